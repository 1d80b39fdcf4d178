import { inspect } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { createHubspot } from "../../connectors/hubspot/index.ts";
import { oauth } from "../../connectors/hubspot/oauth.ts";
import { createTokenSource } from "../../src/lib/token.ts";
import { failureOf } from "./consent.ts";
import { install, kinds, start } from "./hubspot-consent.ts";

const hubspot = createHubspot();

describe("a connector to a connected HubSpot account", () => {
  test("renews its access by itself, once for all that is refused", async () => {
    const started = await start();
    let grant = await install(started);
    const tokens = createTokenSource(async () => {
      grant = await oauth.refresh(started.app, grant, started.context);
      return grant;
    }, started.context.now);
    const settings = hubspot.installed?.parse({ type: "hubspot", apiUrl: started.crm.url });
    if (!settings) throw new Error("HubSpot cannot be installed");
    const own = { installation: "acme", region: "NL", contactFields: () => [], warn: () => {} };
    const connector = hubspot.connect(settings, { ...own, ...started.context, now: Date.now, tokens });
    onTestFinished(async () => connector.close?.());
    await connector.findContacts(["+31612345678"]);
    started.crm.expireToken();
    await Promise.all([1, 2, 3].map((i) => connector.findContacts([`+3161234567${i}`])));
    expect(kinds(started).filter((kind) => kind === "token")).toHaveLength(3);
    const refused = async (status: number) => {
      const body = { message: `${grant.accessToken} is wrong` };
      started.crm.faults.add({ type: "status", status, body, match: "search", times: 2 });
      const error = await connector.findContacts(["+31612345670"]).catch((thrown: unknown) => thrown);
      expect(inspect(error, { depth: 20 })).not.toContain(grant.accessToken);
      return error;
    };
    expect(await refused(401)).toMatchObject({
      retry: "later",
      message: expect.stringContaining("connected account"),
    });
    expect(await refused(400)).toMatchObject({
      retry: "never",
      message: expect.stringContaining("*** is wrong"),
    });
  });

  test("needs no token in its settings, which a config file does need", () => {
    expect(hubspot.settings.safeParse({ type: "hubspot" }).success).toBe(false);
    expect(hubspot.installed?.safeParse({ type: "hubspot" }).success).toBe(true);
    expect(hubspot.installed?.safeParse({ type: "hubspot", token: "x" }).success).toBe(false);
  });
});

describe("disconnecting a HubSpot account", () => {
  test("uninstalls the app and ends the refresh token", async () => {
    const started = await start();
    const { app, context } = started;
    const grant = await install(started);
    await oauth.disconnect(app, grant, context);
    expect(kinds(started).slice(-2)).toEqual(["uninstall", "revoke"]);
    expect(await failureOf(oauth.refresh(app, grant, context))).toMatchObject({ failure: "revoked" });
    expect(await failureOf(oauth.account(app, grant, context))).toMatchObject({ failure: "later" });
  });

  test("renews an access that has expired, once", async () => {
    const started = await start({ rotateRefreshTokens: true });
    const { app, context, crm } = started;
    const grant = await install(started);
    started.passes(1_800_000);
    await oauth.disconnect(app, grant, context);
    expect(kinds(started).slice(-4)).toEqual(["uninstall", "token", "uninstall", "revoke"]);
    expect(crm.requests.at(-1)?.status).toBe(200);
  });

  test("is done when an administrator was faster", async () => {
    const started = await start();
    const { app, context, crm } = started;
    const grant = await install(started);
    crm.people.uninstall();
    await oauth.disconnect(app, grant, context);
    expect(kinds(started).slice(-2)).toEqual(["uninstall", "token"]);
    crm.faults.add({ type: "status", status: 404, match: "uninstall" });
    await oauth.disconnect(app, grant, context);
    expect(kinds(started).slice(-2)).toEqual(["uninstall", "revoke"]);
  });

  test("is finished by a second attempt when the first one is cut off", async () => {
    const started = await start();
    const { app, context, crm } = started;
    const grant = await install(started);
    crm.faults.add({ type: "drop", match: "uninstall", times: 1 });
    const cut = await failureOf(oauth.disconnect(app, grant, context), grant.accessToken);
    expect(cut).toMatchObject({ failure: "later" });
    await oauth.disconnect(app, grant, context);
    expect(started.noted.map(({ status }) => status)).toContain("network");
  });

  test("keeps the refresh token when the uninstall is refused", async () => {
    const started = await start();
    const { app, context, crm } = started;
    const grant = await install(started);
    crm.faults.add({ type: "status", status: 403, match: "uninstall", times: 1 });
    expect(await failureOf(oauth.disconnect(app, grant, context))).toMatchObject({ failure: "config" });
    expect(await oauth.refresh(app, grant, context)).toHaveProperty("accessToken");
  });
});
