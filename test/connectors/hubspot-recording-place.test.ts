import type { HubspotOptions } from "@switchhook/emulators/hubspot";
import { ask } from "@switchhook/emulators/test/hubspot-requests";
import { describe, expect, test } from "vitest";
import { oauth } from "../../connectors/hubspot/oauth.ts";
import { createRecordings } from "../../connectors/hubspot/recordings.ts";
import type { TokenSource } from "../../src/core/crm-app.ts";
import { CrmError } from "../../src/core/errors.ts";
import { createTokenSource } from "../../src/lib/token.ts";
import { failureOf } from "./consent.ts";
import { appAt, install, start } from "./hubspot-consent.ts";

const address = "https://hooks.example.com/recordings/of/hubspot/secret-place";

/** An account that installed our app, whose number we know. */
async function prepared(options: HubspotOptions = {}, known: object = { appId: 777 }) {
  const started = await start(options);
  const app = appAt(started.crm, known);
  const recordings = createRecordings(started.tokens);
  let grant = await install(started);
  const account = createTokenSource(async () => {
    grant = await oauth.refresh(app, grant, started.context);
    return grant;
  }, started.context.now);
  const path = "/crm/extensions/calling/2026-03/777/settings/recording";
  const ofPlace = () => started.crm.requests.filter(({ kind }) => kind === "recording setting");
  return {
    ...started,
    account,
    register: (to = address, accounts: readonly TokenSource[] = [account]) =>
      recordings.register(app, to, { ...started.context, accounts }),
    requests: () => ofPlace().map(({ method, status }) => `${method} ${status}`),
    place: async (): Promise<unknown> =>
      (await ask(started.crm, "GET", path)).body["urlToRetrieveAuthedRecording"],
  };
}

/** `error`: in place of a token. */
const failing = (error: Error): TokenSource => ({ current: () => Promise.reject(error), refused: () => {} });

describe("where HubSpot's player asks", () => {
  test("is told once, and changed when it is another", async () => {
    const { register, requests, place } = await prepared();
    await register();
    await register();
    expect(requests()).toEqual(["GET 404", "POST 200", "GET 200"]);
    await register("https://other.example.com/x");
    expect(requests().slice(3)).toEqual(["GET 200", "PATCH 200"]);
    expect(await place()).toBe("https://other.example.com/x/%s");
  });

  test.each([
    [["app"], ["GET 404", "POST 200"]],
    [["account"], ["GET 403", "GET 404", "POST 200"]],
  ] as const)("is told by whoever may: %o", async (recordingSetters, asked) => {
    const { register, requests } = await prepared({ recordingSetters });
    await register();
    expect(requests()).toEqual(asked);
  });

  test("is told by an account when the app gets no token of its own", async () => {
    const { register, crm, requests } = await prepared();
    const body = { status: "BAD_SCOPES", message: "no such scope" };
    crm.faults.add({ type: "status", status: 400, body, match: "token", times: 1 });
    await register();
    expect(requests()).toEqual(["GET 404", "POST 200"]);
  });

  test("is told by the next account when one is not connected any more", async () => {
    const { register, account, requests } = await prepared({ recordingSetters: ["account"] });
    const gone = failing(new CrmError("later", "not connected any more"));
    await expect(register(address, [gone])).rejects.toThrow("not connected any more");
    await register(address, [gone, account]);
    expect(requests()).toEqual(["GET 403", "GET 403", "GET 404", "POST 200"]);
  });

  test("is nothing that accounts are asked about in vain again and again", async () => {
    const { register, requests } = await prepared({ recordingSetters: [] });
    const accounts = Array.from({ length: 9 }, (): TokenSource => {
      const token = { accessToken: "x" };
      return { current: async () => token, refused: () => {} };
    });
    expect(await failureOf(register(address, accounts))).toMatchObject({ failure: "later" });
    expect(requests()).toEqual(["GET 403", "GET 401", "GET 401", "GET 401"]);
  });

  test("stays HubSpot's secret and ours when it is refused", async () => {
    const { register, crm } = await prepared();
    const body = { status: "error", category: "VALIDATION_ERROR", message: `${address}/%s is no good` };
    crm.faults.add({ type: "status", status: 400, body, match: "recording setting" });
    const error = await failureOf(register(), "secret-place");
    expect(error).toMatchObject({ failure: "config", message: expect.stringContaining("***/%s is no good") });
    expect(String(error)).not.toContain("secret-place");
  });

  test.each([
    ["away", { type: "status", status: 503 }],
    ["in a hurry", { type: "status", status: 429 }],
    ["cut off", { type: "reset" }],
  ] as const)("is told later when HubSpot is %s, and no account is asked", async (_, fault) => {
    const { register, crm, requests } = await prepared();
    crm.faults.add({ ...fault, match: "recording setting" });
    expect(await failureOf(register())).toMatchObject({ failure: "later" });
    expect(requests()).toHaveLength(1);
  });

  test("is told with new tokens after the old ones were refused", async () => {
    const { register, crm, requests, passes } = await prepared({ recordingSetters: ["app"] });
    await register();
    crm.expireToken();
    expect(await failureOf(register("https://other.example.com"))).toMatchObject({ failure: "later" });
    passes(1_000);
    await register("https://other.example.com");
    expect(requests().slice(-2)).toEqual(["GET 200", "PATCH 200"]);
  });

  test("does not hide what is wrong with us", async () => {
    const { register } = await prepared({ recordingSetters: ["account"] });
    await expect(register(address, [failing(new Error("a bug of ours"))])).rejects.toThrow("a bug of ours");
  });
});

describe("nothing is told", () => {
  test("of an app whose number we do not know", async () => {
    const { register, requests } = await prepared({}, {});
    await register();
    expect(requests()).toEqual([]);
  });

  test.each([
    "http://hooks.example.com/x",
    "http://127.0.0.1:8484/x",
    "https://localhost/x",
    "https://127.0.0.1/x",
    "https://[::1]/x",
  ])("to HubSpot itself of %s, which it cannot or should not ask", async (to) => {
    const { context, tokens } = await start();
    const recordings = createRecordings(tokens);
    const app = oauth.app.parse({
      ...{ clientId: "client-1", clientSecret: "secret", appId: 777 },
      apiUrl: "https://api.invalid",
    });
    await recordings.register(app, to, { ...context, accounts: [] });
    const reachable = recordings.register(app, address, { ...context, accounts: [] });
    expect(await failureOf(reachable)).toMatchObject({ failure: "later" });
  });

  test.each(["http://hooks.example.com/x", "http://localhost:8484/x"])(
    "but an emulator on this machine hears of %s",
    async (to) => {
      const { register, place } = await prepared();
      await register(to);
      expect(await place()).toBe(`${to}/%s`);
    },
  );
});
