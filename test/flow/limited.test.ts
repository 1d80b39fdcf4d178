import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { explainCall } from "../../src/flow/explain/explain.ts";
import { explainText } from "../../src/flow/explain/text.ts";
import {
  inboundCall,
  jsonRequest,
  scriptOf,
  send,
  sendAll,
  settledActivities,
  synced,
} from "../support/calls.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
const folder = mkdtempSync(join(tmpdir(), "switchhook-limited-"));
afterEach(() => server.stop());
afterAll(() => rmSync(folder, { recursive: true }));

const wild = { text: "{{ contact.name }}{% for i in (1..9000) %}{{ contact.name }}{% endfor %}" };
const mapping = {
  crm: "local",
  activity: { subject: { text: "Talked to {{ contact.name }}" }, notes: wild },
  answer: { variables: { name: { from: "contact.name" }, story: wild } },
};

type Logged = { facts: Record<string, unknown>; sentence: string };

async function start(): Promise<Logged[]> {
  const file = join(folder, "mapping.json");
  writeFileSync(file, JSON.stringify(mapping));
  const logged: Logged[] = [];
  const warn = (facts: object, sentence: string) => logged.push({ facts: { ...facts }, sentence });
  server = await startServer({ settings: { mapping: file }, log: { warn } });
  await synced(server);
  return logged;
}

const limitedIn = (logged: readonly Logged[]) =>
  logged.filter(({ sentence }) => sentence.includes("ran into a limit")).map(({ facts }) => facts);

test("a field whose text ran into a limit is left out, and explain and the log say so, the log once", async () => {
  const logged = await start();
  for (const id of ["one", "two", "three"])
    await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id })));
  const activities = await settledActivities(server, 3);
  for (const one of activities) {
    expect(one).toMatchObject({ subject: "Talked to Asha Rao" });
    expect(one).not.toHaveProperty("notes");
  }
  const explanation = await explainCall(server.parts.flow.store, "acme:voys:one");
  expect(explanation?.status).toMatch(
    /^logged as activity .*\(without activity\.notes, whose text ran into a limit: .*10,000 steps.*To do: make its loops/,
  );
  if (explanation) expect(explainText(explanation)).toMatch(/created: .*without activity\.notes, whose text/);
  const lines = limitedIn(logged);
  expect(lines).toEqual([
    expect.objectContaining({ installation: "acme", field: "activity.notes", limit: "steps" }),
  ]);
  expect(JSON.stringify(lines)).not.toContain("Asha");
});

test("a variable of an answer likewise", async () => {
  const logged = await start();
  const inbound = { call_id: "call-1", from_number: "+919876543210", to_number: "+31201234567" };
  const response = await send(
    server,
    "retell",
    jsonRequest({ event: "call_inbound", call_inbound: inbound }),
  );
  const answer = (await response.json()) as { call_inbound: { dynamic_variables: object } };
  expect(answer.call_inbound.dynamic_variables).toEqual({ name: "Asha Rao" });
  await sendAll(server, "retell", scriptOf(server, "retell", inboundCall("retell", { id: "call-1" })));
  const { store } = server.parts.flow;
  await waitFor("the call", async () => (await store.call("acme:retell:call-1"))?.row.state === "logged");
  const explanation = await explainCall(store, "acme:retell:call-1");
  expect(explanation?.answer?.limited).toEqual([
    expect.stringMatching(/^answer\.variables\.story, whose text ran into a limit/),
  ]);
  if (explanation) expect(explainText(explanation)).toMatch(/without answer\.variables\.story, whose text/);
  expect(limitedIn(logged)).toContainEqual(expect.objectContaining({ field: "answer.variables.story" }));
});
