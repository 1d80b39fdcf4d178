import { describe, expect, test } from "vitest";
import { salesforce } from "../../connectors/salesforce/index.ts";
import { oauth } from "../../connectors/salesforce/oauth.ts";
import type { CrmRequest } from "../../src/core/crm-app.ts";
import { createTokenSource } from "../../src/lib/token.ts";
import { failureOf } from "./consent.ts";
import { install, start } from "./salesforce-consent.ts";
import { call, save } from "./salesforce-org.ts";

describe("a connector to a connected Salesforce org", () => {
  test("goes where its grant says, and renews its access once for all that is refused", async () => {
    const started = await start();
    const { app, context, org } = started;
    let grant = await install(started);
    const tokens = createTokenSource(async () => {
      grant = await oauth.refresh(app, grant, context);
      return grant;
    }, context.now);
    const settings = salesforce.installed?.parse({ type: "salesforce" });
    if (!settings) throw new Error("Salesforce cannot be installed");
    const own = { installation: "acme", region: "NL", contactFields: () => [], warn: () => {} };
    const connector = salesforce.connect(settings, { ...own, ...context, tokens });
    expect(await save(connector, call("1"))).toMatchObject({ created: true });
    const before = org.tokenRequests;
    org.expireTokens();
    await Promise.all([1, 2, 3].map((i) => connector.findContacts([`+3161234567${i}`])));
    expect(org.tokenRequests).toBe(before + 1);
    expect(await save(connector, call("2"))).toMatchObject({ created: true });
  });

  test("needs no way to sign in in its settings, which a config file does need", () => {
    const installed = (given = {}) => salesforce.installed?.safeParse({ type: "salesforce", ...given });
    expect(salesforce.settings.safeParse({ type: "salesforce" }).success).toBe(false);
    expect(installed()?.data).toEqual({ type: "salesforce", apiVersion: "66.0", keyField: "Call_Key__c" });
    expect(installed({ accessToken: "x" })?.success).toBe(false);
    expect(installed({ apiUrl: "https://acme.my.salesforce.com" })?.success).toBe(false);
  });
});

describe("disconnecting a Salesforce org", () => {
  test("ends the refresh token and all that came from it", async () => {
    const started = await start();
    const { app, context } = started;
    const grant = await install(started);
    await oauth.disconnect(app, grant, context);
    expect(await failureOf(oauth.refresh(app, grant, context))).toMatchObject({ failure: "revoked" });
    expect(await failureOf(oauth.account(app, grant, context))).toMatchObject({ failure: "later" });
  });

  test("is done when somebody was faster, and tried again when it is cut off", async () => {
    const started = await start();
    const { app, context, org } = started;
    const grant = await install(started);
    org.faults.add({ type: "drop", match: "revoke", times: 1 });
    const cut = await failureOf(oauth.disconnect(app, grant, context), grant.refreshToken);
    expect(cut).toMatchObject({ failure: "later" });
    await oauth.disconnect(app, grant, context);
    const statuses = started.noted.map(({ status }: CrmRequest) => status);
    expect(statuses.slice(-2)).toEqual(["network", 400]);
  });

  test("says so when Salesforce is away or refuses", async () => {
    const started = await start();
    const { app, context, org } = started;
    const grant = await install(started);
    const failing = async (status: number) => {
      org.faults.add({ type: "status", status, match: "revoke", times: 1 });
      return (await failureOf(oauth.disconnect(app, grant, context), grant.refreshToken)).failure;
    };
    expect(await failing(503)).toBe("later");
    expect(await failing(403)).toBe("config");
    expect(await oauth.refresh(app, grant, context)).toHaveProperty("accessToken");
  });
});
