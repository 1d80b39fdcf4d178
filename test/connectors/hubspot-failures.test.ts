import { inspect } from "node:util";
import type { Fault } from "@switchhook/emulators/contract";
import { describe, expect, onTestFinished, test } from "vitest";
import { settings as hubspotSettings } from "../../connectors/hubspot/settings.ts";
import { openTransport } from "../../connectors/hubspot/transport.ts";
import type { CrmRequest } from "../../src/core/crm-app.ts";
import { CrmError } from "../../src/core/errors.ts";
import { callRecord, type Portal, readyPortal } from "./hubspot-portal.ts";

const token = "pat-eu1-0123-secret";
const number = "+31612345678";
const body = (message: string, more = {}) => ({ status: "error", message, correlationId: "c-1", ...more });

/** What a save of one call fails with, while a fault strikes. */
async function failureOf(fault: Fault, portal?: Portal): Promise<CrmError> {
  const { crm, connector } = portal ?? (await readyPortal({ token }));
  const mend = crm.faults.add(fault);
  const error = await connector.saveCalls([callRecord("1")]).catch((thrown: unknown) => thrown);
  mend();
  if (!(error instanceof CrmError)) throw new Error(`it was no CrmError: ${inspect(error)}`);
  expect(inspect(error, { depth: 20 })).not.toContain(token);
  expect(error.message).toMatch(/^HubSpot, logging calls: /);
  return error;
}

describe("a fault that passes", () => {
  test.each([408, 423, 425, 500, 502, 503, 504, 521, 524, 526])("%i is tried later", async (status) => {
    const portal = await readyPortal({ token });
    const error = await failureOf({ type: "status", status, body: body("Sorry") }, portal);
    expect(error.retry).toBe("later");
    expect(error.message).toMatch(new RegExp(`\\(${status}: “Sorry”, correlation id c-1\\)`));
    expect(await portal.connector.saveCalls([callRecord("1")])).toMatchObject([{ key: "acme:voys:1" }]);
    expect(portal.crm.people.calls()).toHaveLength(1);
  });

  test("a lock waits for two seconds", async () => {
    const error = await failureOf({ type: "status", status: 423, body: body("Locked") });
    expect(error.afterMs).toBeGreaterThanOrEqual(2_000);
  });

  test("a move to another data centre parks the account for as long as HubSpot says", async () => {
    const portal = await readyPortal({ token });
    const fault: Fault = {
      type: "status",
      status: 477,
      body: body("Moving"),
      headers: { "retry-after": "7200" },
    };
    expect(await failureOf(fault, portal)).toMatchObject({ retry: "later", afterMs: 7_200_000 });
    portal.asked();
    await expect(portal.connector.saveCalls([callRecord("1")])).rejects.toMatchObject({ retry: "later" });
    expect(portal.asked()).toEqual([]);
    portal.wait(7_200_000);
    expect(await portal.connector.saveCalls([callRecord("1")])).toMatchObject([{ created: true }]);
    expect((await failureOf({ type: "status", status: 477 })).afterMs).toBe(600_000);
  });

  test.each([
    [
      "a page instead of JSON",
      { type: "status", status: 502, text: "<html>Bad gateway</html>" },
      /502, a page/,
    ],
    ["a page with a success", { type: "status", status: 200, text: "<html>Log in</html>" }, /not JSON/],
    ["a list with a success", { type: "status", status: 200, body: [] }, /not JSON/],
    [
      "JSON that is none",
      { type: "status", status: 200, text: '{"results": [', headers: { "content-type": "application/json" } },
      /not JSON/,
    ],
    ["a connection that breaks", { type: "reset" }, /cannot be reached \(ECONNRESET\)/],
  ] as [string, Fault, RegExp][])("%s is tried later", async (_name, fault, words) => {
    expect(await failureOf(fault)).toMatchObject({ retry: "later", message: expect.stringMatching(words) });
  });

  test.each<[string, Partial<Fault>]>([
    ["a page", { text: "<html>Log in</html>" }],
    ["an empty object", { body: {} }],
  ])("%s is never taken for an empty list", async (_name, answer) => {
    const portal = await readyPortal({ token });
    const { connector, crm } = portal;
    const [first] = await connector.saveCalls([callRecord("1")]);
    const activityId = first && "saved" in first ? first.saved : "";
    crm.faults.add({ type: "status", status: 200, ...answer });
    const asked = [
      connector.saveCalls([callRecord("1", { activityId })]),
      connector.findContacts([number]),
      connector.changedContacts?.(undefined),
      connector.owners?.(),
    ];
    for (const result of await Promise.allSettled(asked))
      expect(result).toMatchObject({ status: "rejected", reason: { retry: "later" } });
  });

  test("nobody at the address is tried later", async () => {
    const portal = await readyPortal({ token });
    await portal.crm.stop();
    const error = await portal.connector.saveCalls([callRecord("1")]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      retry: "later",
      message: expect.stringMatching(/ECONNREFUSED|ECONNRESET/),
    });
  });

  test("no answer is not waited for for ever", async () => {
    const { crm } = await readyPortal();
    const requests: CrmRequest[] = [];
    const settings = hubspotSettings.parse({ type: "hubspot", token: crm.token, apiUrl: crm.url });
    const context = { now: Date.now, onRequest: (request: CrmRequest) => requests.push(request) };
    const transport = openTransport(settings, context, 50);
    onTestFinished(transport.close);
    crm.faults.add({ type: "hang", times: 1 });
    const ask = () =>
      transport
        .requests({ what: "Owners", priority: "sync" })
        .send((client) => client.crm.owners.ownersApi.getPage());
    await expect(ask()).rejects.toMatchObject({
      retry: "later",
      message: "Owners: HubSpot did not answer within 0.05 s",
    });
    expect(requests).toMatchObject([{ kind: "general", status: "timeout" }]);
    await expect(ask()).resolves.toMatchObject({ results: [] });
  });

  test("a request that nobody waits for any more is given up", async () => {
    const portal = await readyPortal({ token });
    portal.crm.faults.add({ type: "hang" });
    const stop = new AbortController();
    const saving = portal.connector.saveCalls([callRecord("1")], stop.signal);
    await expect.poll(() => portal.asked()).toEqual(["upsert"]);
    stop.abort();
    await expect(saving).rejects.toMatchObject({ retry: "later" });
    expect(portal.requests.at(-1)).toMatchObject({ kind: "general", status: "stopped" });
  });
});

describe("a fault that somebody has to mend", () => {
  test("a refused token waits, and says where to look", async () => {
    const portal = await readyPortal({ token });
    portal.crm.expireToken();
    expect(await failureOf({ type: "slow", ms: 0 }, portal)).toMatchObject({
      retry: "later",
      afterMs: 60_000,
      message: expect.stringMatching(/401.*Check crm\.token/),
    });
    expect(portal.asked()).toEqual(["upsert"]);
    portal.crm.acceptToken(token);
    expect(await portal.connector.saveCalls([callRecord("1")])).toMatchObject([{ created: true }]);
  });

  test("a token that HubSpot repeats is not in the reason", async () => {
    const said = body(`the token ${token} is not valid`, { context: { token: [token] } });
    const error = await failureOf({ type: "status", status: 401, body: said });
    expect(error.message).toContain("the token *** is not valid");
  });

  test("a missing permission makes the calls wait, and names the scope", async () => {
    const portal = await readyPortal({ token });
    portal.crm.scopes = ["crm.objects.contacts.read"];
    expect(await failureOf({ type: "slow", ms: 0 }, portal)).toMatchObject({
      retry: "later",
      afterMs: 60_000,
      message: expect.stringMatching(/Give it the scope crm\.objects\.contacts\.write/),
    });
    portal.crm.scopes = "all";
    expect(await portal.connector.saveCalls([callRecord("1")])).toMatchObject([{ created: true }]);
  });

  test("a missing licence makes them wait as well, in HubSpot's words", async () => {
    const portal = await readyPortal({ token });
    const error = await failureOf({ type: "status", status: 403, body: body("No such seat") }, portal);
    expect(error).toMatchObject({ retry: "later", afterMs: 60_000 });
    expect(error.message).toMatch(/403: “No such seat.*licence/);
  });

  test.each([400, 404, 414])("%i parks the calls in HubSpot's words", async (status) => {
    const portal = await readyPortal({ token });
    portal.crm.faults.add({ type: "status", status, body: body("No such thing"), times: 1 });
    const results = await portal.connector
      .saveCalls([callRecord("1")])
      .catch((error: unknown) => [{ failed: error }]);
    expect(results).toMatchObject([
      { failed: { retry: "never", message: expect.stringContaining("No such thing") } },
    ]);
  });
});
