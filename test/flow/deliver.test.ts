import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CallRecord, Connector, SaveResult } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { explainCall } from "../../src/flow/explain/explain.ts";
import { inboundCall, scriptOf, sendAll, settledActivities, synced } from "../support/calls.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
let requests: { at: number; keys: string[] }[];
beforeEach(async () => {
  requests = [];
  server = await startServer();
  await synced(server);
});
afterEach(() => server.stop());

type Save = Connector["saveCalls"];

/** Puts something between us and the CRM: `answer` decides about each request, `save` is the CRM itself. */
function crmSaves(answer: (records: readonly CallRecord[], save: Save) => Promise<SaveResult[]>): void {
  const connector = server.parts.installations.get("acme")?.connector as Connector;
  const { saveCalls } = connector;
  connector.saveCalls = (records) => {
    requests.push({ at: performance.now(), keys: records.map(({ key }) => key) });
    return answer(records, saveCalls);
  };
}

async function tell(...ids: string[]): Promise<void> {
  for (const id of ids) await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id })));
}

/** Holds the CRM up with a first call, so that the others wait together and go in one batch. */
async function together(ids: readonly string[], answer: Parameters<typeof crmSaves>[0]): Promise<void> {
  const gate = Promise.withResolvers<void>();
  crmSaves(async (records, save) => {
    if (requests.length > 1) return answer(records, save);
    await gate.promise;
    return save(records);
  });
  await tell("opener");
  await waitFor("the first request", () => requests.length === 1);
  await tell(...ids);
  const { store, now } = server.parts.flow;
  await waitFor(
    "the calls",
    async () => (await store.dueCalls("acme", now(), 100)).length === ids.length + 1,
  );
  gate.resolve();
}

async function explain(id: string) {
  const explanation = await explainCall(server.parts.flow.store, `acme:voys:${id}`);
  if (!explanation) throw new Error(`no call ${id}`);
  return explanation;
}

function loggedKeys(): unknown[] {
  return server
    .crm()
    .activities.map(({ key }) => key)
    .sort();
}

const keysOf = (...ids: string[]): string[] => ids.map((id) => `acme:voys:${id}`);

test("calls that wait together go in one request", async () => {
  await together(["a", "b", "c"], (records, save) => save(records));
  await settledActivities(server, 4);
  expect(requests.map(({ keys }) => keys)).toEqual([keysOf("opener"), keysOf("a", "b", "c")]);
});

describe("a row that the CRM refuses", () => {
  let mended = false;
  const refusing = async (records: readonly CallRecord[], save: Save): Promise<SaveResult[]> => {
    const isRefused = ({ key }: CallRecord) => key === "acme:voys:b" && !mended;
    const refused = records.filter(isRefused).map(({ key }) => {
      return { key, failed: new CrmError("never", 'outcome: "completed" is no value of this picklist') };
    });
    return [...refused, ...(await save(records.filter((record) => !isRefused(record))))];
  };
  beforeEach(() => {
    mended = false;
  });

  test("is parked with the CRM's reason, and its neighbours are logged", async () => {
    await together(["a", "b", "c"], refusing);
    await settledActivities(server, 3);
    expect(loggedKeys()).toEqual(keysOf("a", "c", "opener"));
    const explanation = await explain("b");
    expect(explanation).toMatchObject({ state: "dead", attempts: 1 });
    expect(explanation.status).toContain('"completed" is no value of this picklist');
    expect(explanation).not.toHaveProperty("nextTryAt");
  });

  test("is logged by a retry once the reason is mended", async () => {
    await together(["a", "b"], refusing);
    await settledActivities(server, 2);
    mended = true;
    const retry = await fetch(`${server.url}/api/calls/acme:voys:b/retry`, { method: "POST" });
    expect(retry.ok).toBe(true);
    await settledActivities(server, 3);
    expect(loggedKeys()).toEqual(keysOf("a", "b", "opener"));
    const { state, history } = await explain("b");
    expect(state).toBe("logged");
    expect(history.map(({ step }) => step)).toEqual(["dead", "created"]);
  });
});

test("a row that has to wait is tried again alone", async () => {
  await together(["a", "b", "c"], async (records, save) => {
    if (requests.length > 2) return save(records);
    const failed = new CrmError("later", "the record is locked", { afterMs: 200 });
    const saved = await save(records.filter(({ key }) => key !== "acme:voys:b"));
    return [{ key: "acme:voys:b", failed }, ...saved];
  });
  await settledActivities(server, 4);
  expect(requests.slice(1).map(({ keys }) => keys)).toEqual([keysOf("a", "b", "c"), keysOf("b")]);
  expect((await explain("b")).history.map(({ step }) => step)).toEqual(["later", "created"]);
});

test("a row that the CRM's answer does not mention is sent again", async () => {
  await together(["a", "b"], async (records, save) => {
    const results = await save(records);
    return requests.length > 2 ? results : results.filter(({ key }) => key !== "acme:voys:b");
  });
  await settledActivities(server, 3);
  expect(loggedKeys()).toEqual(keysOf("a", "b", "opener"));
  expect((await explain("b")).status).toContain("logged as activity");
});

test("a batch that came at a bad time waits as a whole, and each call is logged once", async () => {
  await together(["a", "b", "c"], async (records, save) => {
    if (requests.length <= 3) throw new CrmError("later", "the CRM answered 503", { afterMs: 100 });
    return save(records);
  });
  await settledActivities(server, 4);
  expect(loggedKeys()).toEqual(keysOf("a", "b", "c", "opener"));
  expect((await explain("a")).history.map(({ step }) => step)).toEqual(["later", "later", "created"]);
});

describe("a CRM that is away", () => {
  test("loses nothing, is not hammered, and gets each call once when it is back", async () => {
    let away = true;
    crmSaves(async (records, save) => {
      if (away) throw new CrmError("later", "the CRM cannot be reached");
      return save(records);
    });
    const ids = Array.from({ length: 12 }, (_, i) => `call-${i}`);
    for (const id of ids) {
      await tell(id);
      await new Promise((pause) => setTimeout(pause, 100));
    }
    expect(requests.length).toBeGreaterThan(0);
    expect(requests.length).toBeLessThan(5);
    expect(loggedKeys()).toEqual([]);
    away = false;
    await settledActivities(server, ids.length);
    expect(loggedKeys()).toEqual(keysOf(...ids).sort());
  }, 30_000);

  test("is not asked before the time it asked for, whatever comes in meanwhile", async () => {
    crmSaves(async (records, save) => {
      if (requests.length === 1) throw new CrmError("later", "too many requests", { afterMs: 2_500 });
      return save(records);
    });
    await tell("first");
    await waitFor("the refusal", async () => (await explain("first")).attempts === 1);
    for (let i = 0; i < 8; i++) {
      await tell(`meanwhile-${i}`);
      await new Promise((pause) => setTimeout(pause, 200));
    }
    await settledActivities(server, 9);
    const [refused, next] = requests;
    expect((next?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThan(2_400);
    expect(next?.keys.length).toBeGreaterThan(1);
  });

  test("holds up no call when it fails while callers are looked up", async () => {
    const connector = server.parts.installations.get("acme")?.connector as Connector;
    let tries = 0;
    connector.findContacts = async () => {
      tries += 1;
      if (tries <= 2) throw new CrmError("later", "search is overloaded", { afterMs: 50 });
      return new Map();
    };
    const call = inboundCall("voys", { id: "stranger", customer: "+31611110000" });
    await sendAll(server, "voys", scriptOf(server, "voys", call));
    await settledActivities(server);
    expect(tries).toBe(3);
    expect(loggedKeys()).toEqual(keysOf("stranger"));
  });

  test("may come back after a restart of ours", async () => {
    crmSaves(async () => {
      throw new CrmError("later", "the CRM cannot be reached");
    });
    await tell("kept");
    await waitFor("a try", async () => (await explain("kept")).attempts > 0);
    await server.restart();
    await settledActivities(server);
    expect(loggedKeys()).toEqual(keysOf("kept"));
  });
});
