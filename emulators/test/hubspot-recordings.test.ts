import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { appToken, startWithApp } from "./hubspot-app.ts";
import { ask, officialClient } from "./hubspot-requests.ts";

const setting = "/crm/extensions/calling/2026-03/777/settings/recording";
const properties = {
  hs_timestamp: "2026-11-20T10:00:00Z",
  hs_call_external_id: "call/1 a",
  hs_call_external_account_id: "account 1",
  hs_call_app_id: "777",
  hs_call_source: "INTEGRATIONS_PLATFORM",
};

async function prepared() {
  const { portal } = await startWithApp();
  portal.people.install();
  return { portal };
}

/** An app that answers with the address it was asked by. */
async function echo(): Promise<string> {
  const server = createServer((request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ authenticatedUrl: `https://recordings.test${request.url}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("the app sets where recordings are asked for, and changes it", async () => {
  const { portal } = await prepared();
  const told = async () => (await ask(portal, "GET", setting)).body["urlToRetrieveAuthedRecording"];
  expect((await ask(portal, "GET", setting)).status).toBe(404);
  for (const [method, host] of [
    ["POST", "one"],
    ["PATCH", "two"],
  ] as const) {
    const urlToRetrieveAuthedRecording = `https://${host}.example.com/recordings/%s`;
    const answer = await ask(portal, method, setting, { urlToRetrieveAuthedRecording });
    expect(answer).toMatchObject({ status: 200, body: { urlToRetrieveAuthedRecording } });
    expect(await told()).toBe(urlToRetrieveAuthedRecording);
  }
});

test.each(["https://app.example.com/recordings", "app.example.com/%s", ""])(
  "refuses %o as the address of recordings",
  async (url) => {
    const { portal } = await prepared();
    const answer = await ask(portal, "POST", setting, { urlToRetrieveAuthedRecording: url });
    expect(answer).toMatchObject({ status: 400, body: { category: "VALIDATION_ERROR" } });
  },
);

test("the portal asks the app for a recording as HubSpot does", async () => {
  const { portal } = await prepared();
  const urlToRetrieveAuthedRecording = `${await echo()}/recordings/%s?key=1`;
  await ask(portal, "POST", setting, { urlToRetrieveAuthedRecording });
  const call = portal.people.add("calls", properties);
  await officialClient(portal).crm.extensions.calling.recordingSettingsApi.markAsReady({
    engagementId: Number(call),
  });
  expect(portal.people.readyRecordings()).toEqual([call]);
  expect(await portal.fetchRecording(call)).toEqual({
    status: 200,
    body: {
      authenticatedUrl:
        "https://recordings.test/recordings/call%2F1%20a?key=1&appId=777&externalAccountId=account+1",
    },
  });
});

test.each(Object.keys(properties).slice(1))(
  "a recording is not ready on a call without %s",
  async (missing) => {
    const { portal } = await prepared();
    const rest = Object.entries(properties).filter(([name]) => name !== missing);
    const call = portal.people.add("calls", Object.fromEntries(rest));
    const path = "/crm/extensions/calling/2026-03/recordings/ready";
    const answer = await ask(portal, "POST", path, { engagementId: Number(call) });
    expect(answer).toMatchObject({ status: 400, body: { context: { properties: [missing] } } });
    await expect(portal.fetchRecording(call)).rejects.toThrow(missing);
  },
);

test("nothing is asked for before an address is set", async () => {
  const { portal } = await prepared();
  const call = portal.people.add("calls", properties);
  await expect(portal.fetchRecording(call)).rejects.toThrow("registered no URL");
});

test.each([
  [["app"], 200, 403],
  [["account"], 403, 200],
  [undefined, 200, 200],
] as const)(
  "with %o as who may set it, the app gets %i and an account %i",
  async (setters, byApp, byAccount) => {
    const { portal } = await startWithApp(setters && { recordingSetters: setters });
    portal.people.install();
    const set = async (token: string, path = setting) => {
      const body = { urlToRetrieveAuthedRecording: "https://app.example.com/%s" };
      return (await ask(portal, "POST", path, body, token)).status;
    };
    expect(await set(await appToken(portal))).toBe(byApp);
    expect(await set(portal.token)).toBe(byAccount);
    for (const token of [await appToken(portal), portal.token])
      expect(await set(token, setting.replace("777", "778"))).toBe(403);
  },
);

test("a private app has no address of recordings", async () => {
  const { portal } = await startWithApp({ token: "private" });
  expect((await ask(portal, "GET", setting, undefined, "private")).status).toBe(403);
});
