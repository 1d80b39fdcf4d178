import { mkdtempSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startHubspot } from "@switchhook/emulators/hubspot";
import { expect, onTestFinished, test } from "vitest";
import { createLog } from "../../src/cli/log.ts";
import { CrmError } from "../../src/core/errors.ts";
import { maskPeople, pathForLog, quoted } from "../../src/core/mask.ts";
import { growth } from "../support/linear.ts";
import { cli, server, until, workFolder, writeAcme } from "./support.ts";

const people = ["Sanne", "Verhoeven", "sanne.v@example.nl", "+31612345678", "0612345678", "06 12 34 56 78"];

/** `lines`: as they were written; one that was under way at the flush may come after its followers. */
function logTo(): {
  log: ReturnType<typeof createLog>["log"];
  lines(count: number): Promise<Record<string, unknown>[]>;
} {
  const file = join(mkdtempSync(join(tmpdir(), "switchhook-log-")), "log");
  const stream = { fd: openSync(file, "w"), isTTY: false } as unknown as NodeJS.WriteStream & { fd: number };
  const { log, flush } = createLog("info", stream);
  const written = () => {
    flush();
    return readFileSync(file, "utf8").split("\n").slice(0, -1);
  };
  const lines = async (count: number) => {
    await until("the lines of the log", () => written().length === count);
    return written().map((line) => JSON.parse(line));
  };
  return { log, lines };
}

test("an error is logged as its type, our sentence, code and stack", async () => {
  const { log, lines } = logTo();
  class ApiException extends Error {
    code = 400;
    body = { message: `No: ${people.join(" ")}` };
    headers = { cookie: people.join(" ") };
    data = people;
  }
  const foreign = Object.assign(new ApiException(`HTTP 400\n    at ${people.join(" ")}`), {
    cause: new Error(people[0]),
  });
  log.error({ n: 1, err: foreign }, "it failed");
  log.error(
    { n: 2, err: new CrmError("later", `HubSpot says no (${quoted(people.join(" "))})`, { cause: foreign }) },
    "x",
  );
  log.error({ n: 3, err: new TypeError(people.join()) }, "x");
  log.error(
    {
      n: 4,
      err: Object.assign(new Error("connect ECONNREFUSED"), {
        code: "ECONNREFUSED",
        errno: -111,
        syscall: "connect",
      }),
    },
    "x",
  );
  const written = (await lines(4)) as { n: number; err: Record<string, unknown> }[];
  const [first, second, third, fourth] = written.sort((a, b) => a.n - b.n);
  const text = JSON.stringify([first, second, third, fourth]);
  for (const one of people) expect(text).not.toContain(one);
  expect(first?.err).toEqual({
    type: "ApiException",
    code: 400,
    stack: expect.stringMatching(/^ {4}at .*log-privacy\.test\.ts/),
    cause: { type: "Error", stack: expect.stringContaining("log-privacy.test.ts") },
  });
  expect(second?.err).toMatchObject({ type: "CrmError", message: "HubSpot says no (“…”)" });
  expect(third?.err).toMatchObject({ type: "TypeError", stack: expect.stringContaining("log-privacy") });
  expect(fourth?.err).toMatchObject({ code: "ECONNREFUSED", message: "connect ECONNREFUSED" });
});

test("numbers and e-mail addresses are masked in facts and sentences, and ids, times and figures are not", async () => {
  const { log, lines } = logTo();
  const facts = {
    ...{
      call: "acme:exotel:12345678901",
      activity: "51801234567",
      ms: 12345678,
      note: "until 2026-11-28T10:11:12.345Z",
    },
    ...{
      reason: "no: 0612345678",
      owner: "asha@example.com",
      more: ["+31612345678"],
      deep: { a: "+31 6 12345678" },
    },
  };
  log.warn(facts, "asked by asha@example.com about +31612345678");
  const [line] = await lines(1);
  expect(line).toMatchObject({
    ...{ call: facts.call, activity: facts.activity, ms: facts.ms, note: facts.note },
    ...{
      reason: "no: 061***78",
      owner: "***@***",
      more: ["+31***78"],
      msg: "asked by ***@*** about +31***78",
    },
  });
  expect(line?.["deep"]).toEqual({ a: "+31***78" });
  expect(maskPeople("its contact 51801234567: “call 06-12345678 of x@example.com”")).toBe(
    "its contact 51801234567: “call 06-***78 of ***@***”",
  );
});

test("paths are logged without the tokens of recordings and transcripts", () => {
  expect(pathForLog("/recordings/c2VjcmV0/x")).toBe("/recordings/…");
  expect(pathForLog("/transcripts/c2VjcmV0")).toBe("/transcripts/…");
  expect(pathForLog("/api/calls")).toBe("/api/calls");
});

test("masking takes time in proportion to the text", () => {
  const probes = ["a", "“", "+1", "1 ", "@", "a@", "."].map((part) => ({
    name: JSON.stringify(part),
    at: (length: number) => {
      const text = part.repeat(length / part.length);
      return () => maskPeople(text);
    },
  }));
  expect(probes.flatMap((probe) => growth(probe, [5_000, 40_000], 5) ?? [])).toEqual([]);
});

test("what a CRM repeats of a caller gets into no log, and masked into what explains the call", async () => {
  const folder = workFolder();
  const hubspot = await startHubspot({ limits: false });
  onTestFinished(() => hubspot.stop());
  // No number of a simulated call: that one is shown.
  const message = `Sanne Verhoeven (sanne.v@example.nl, +31687654321, 06 87 65 43 21) is no good`;
  const body = { status: "error", category: "VALIDATION_ERROR", message, context: { who: [message] } };
  hubspot.faults.add({ type: "status", status: 400, body });
  const crm = { type: "hubspot", token: hubspot.token, apiUrl: hubspot.url };
  writeAcme(folder, {}, { crm, mapping: undefined });
  const { settings, output } = await server(folder);
  await cli(folder, ["simulate", "exotel", "--calls", "1", "--installation", "acme"], settings);
  const dead = await until("a call that waits or is dead", async () => {
    const { stdout } = await cli(folder, ["explain", /acme:exotel:[\w-]+/.exec(output())?.[0] ?? "none"]);
    return stdout.includes("is no good") && stdout;
  });
  for (const one of ["sanne.v@example.nl", "+31687654321", "06 87 65 43 21"]) expect(dead).not.toContain(one);
  expect(output()).toContain('"level":"warn"');
  for (const one of ["Sanne", "Verhoeven", "sanne.v@", "+31687654321", "06 87 65 43 21"])
    expect(output()).not.toContain(one);
});
