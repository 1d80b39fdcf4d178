import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { InstallationSettings } from "../../src/core/settings.ts";
import { recordingLinkOf } from "../../src/flow/recordings/links.ts";
import { providers } from "../../src/providers/index.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { callOf, decodedCall, deliveryOf } from "../contracts/store-samples.ts";

const recording = { ref: "https://recordings.example.com/1.mp3" };

async function startStore() {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-links-"));
  const store = openSqliteStore(folder);
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await store.append(deliveryOf("one"));
  const flow = {
    store,
    links: async () => ({
      recordingUrl: ({ call }: { call: { key: string } }) => `https://hooks.example.com/${call.key}`,
      transcriptUrl: () => undefined,
    }),
  };
  const installation = (name: string, ...ids: string[]) => ({
    settings: { name } as InstallationSettings,
    providers: Object.fromEntries(
      ids.flatMap((id) => {
        const provider = providers[id];
        return provider ? [[id, { provider, settings: {} }]] : [];
      }),
    ),
  });
  return {
    save: (...calls: ReturnType<typeof decodedCall>[]) => store.saveDecoded("acme", [], calls),
    row: async (key: string) => (await store.call(key))?.row,
    linkOf: (callId: string, of = installation("acme", "exotel", "voys")) =>
      recordingLinkOf(flow, of, callId),
    installation,
  };
}

test("a call is found by the id that its provider gave it, whichever provider that is", async () => {
  const { save, linkOf } = await startStore();
  const exotel = { provider: "exotel", key: "acme:exotel:2", recording };
  await save(
    decodedCall("1", { call: callOf("1", { recording }) }),
    decodedCall("2", { call: callOf("2", exotel) }),
  );
  expect(await linkOf("1")).toBe("https://hooks.example.com/acme:voys:1");
  expect(await linkOf("2")).toBe("https://hooks.example.com/acme:exotel:2");
});

test("a leg that was merged away leads to the call that it became part of", async () => {
  const { save, row, linkOf } = await startStore();
  await save(decodedCall("1"), decodedCall("2"));
  const [first, second] = [await row("acme:voys:1"), await row("acme:voys:2")];
  if (!first || !second) throw new Error("the calls were not saved");
  const call = callOf("2", { legs: ["1", "2"], recording });
  await save(decodedCall("2", { row: second, call, absorbed: [first] }));
  expect((await row("acme:voys:1"))?.state).toBe("merged");
  expect(await linkOf("1")).toBe("https://hooks.example.com/acme:voys:2");
});

test("of two providers that gave the same id, the one with a recording is meant", async () => {
  const { save, linkOf } = await startStore();
  const exotel = { provider: "exotel", key: "acme:exotel:1" };
  await save(
    decodedCall("1", { call: callOf("1", exotel) }),
    decodedCall("1", { call: callOf("1", { recording }) }),
  );
  expect(await linkOf("1")).toBe("https://hooks.example.com/acme:voys:1");
});

test("another installation's call, one of a provider that is not set up, and made-up ids lead nowhere", async () => {
  const { save, linkOf, installation } = await startStore();
  await save(decodedCall("1", { call: callOf("1", { recording }) }));
  const unknown = { status: 404, message: expect.stringContaining("no call with this id") };
  await expect(linkOf("1", installation("other", "voys"))).rejects.toMatchObject(unknown);
  await expect(linkOf("1", installation("acme", "exotel"))).rejects.toMatchObject(unknown);
  await expect(linkOf("1", installation("acme"))).rejects.toMatchObject(unknown);
  for (const id of ["", "2", "x".repeat(200), "\0", "__proto__"])
    await expect(linkOf(id)).rejects.toMatchObject(unknown);
});

test("a call without a recording says so", async () => {
  const { save, linkOf } = await startStore();
  await save(decodedCall("1"));
  const none = { status: 404, message: expect.stringContaining("no recording") };
  await expect(linkOf("1")).rejects.toMatchObject(none);
});
