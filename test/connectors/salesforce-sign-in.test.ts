import { generateKeyPairSync } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { salesforce } from "../../connectors/salesforce/index.ts";
import { CrmError } from "../../src/core/errors.ts";
import { type ArrangedOrg, type ArrangeOptions, arrangeOrg, call, save } from "./salesforce-org.ts";

const keys = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

describe("signing in to Salesforce", () => {
  let crm: ArrangedOrg;
  const arrange = async (options: ArrangeOptions = {}) => {
    crm = await arrangeOrg(options);
    return crm;
  };
  afterEach(() => crm.tearDown());

  test("takes a token of the client credentials flow, once for all requests", async () => {
    const { connector, org, noted } = await arrange();
    await connector.prepare?.();
    await save(connector, call("1"));
    expect(org.tokenRequests).toBe(1);
    expect(noted.filter(({ kind }) => kind === "token")).toMatchObject([{ status: 200 }]);
  });

  test("signs in as a user with a private key", async () => {
    const privateKey = keys.privateKey;
    const settings = { clientSecret: undefined, privateKey, username: "integration@example.com" };
    const { connector } = await arrange({ org: { publicKey: keys.publicKey }, settings });
    expect(await save(connector, call("1"))).toMatchObject({ created: true });
  });

  test("uses a token of the settings as it is, and never asks for another", async () => {
    const { org } = await arrange({ org: { accessToken: "a-static-token" } });
    const fixed = { accessToken: "a-static-token", clientId: undefined, apiUrl: org.url };
    expect(await save(crm.again(fixed), call("1"))).toMatchObject({ created: true });
    const refused = await save(crm.again({ ...fixed, accessToken: "wrong" }), call("2")).catch(
      (error) => error,
    );
    expect(refused).toMatchObject({ retry: "later", message: expect.stringContaining("access token") });
    expect(refused.message).not.toContain("wrong");
    expect(org.tokenRequests).toBe(0);
  });

  test("fetches one new token for twenty requests that find theirs expired", async () => {
    const { connector, org } = await arrange();
    await connector.prepare?.();
    org.expireTokens();
    const numbers = Array.from({ length: 20 }, (_, i) => `+3161234560${10 + i}`);
    await Promise.all(numbers.map((number) => connector.findContacts([number])));
    expect(org.tokenRequests).toBe(2);
  });

  test("asks again once when a token is refused, and never a third time", async () => {
    const { connector, org } = await arrange();
    await connector.prepare?.();
    const body = [{ errorCode: "INVALID_SESSION_ID", message: "Session expired or invalid" }];
    org.faults.add({ type: "status", status: 401, body, match: "upsert" });
    crm.asked();
    await expect(save(connector, call("1"))).rejects.toMatchObject({ retry: "later" });
    expect(crm.asked()).toEqual(["upsert", "token", "upsert"]);
    org.faults.clear();
    expect(await save(connector, call("1"))).toMatchObject({ created: true });
  });

  test("says what to mend when the secret or the app is wrong, and tries again later", async () => {
    await arrange();
    const wrongSecret = await crm
      .again({ clientSecret: "not it" })
      .prepare?.()
      .catch((error) => error);
    expect(wrongSecret).toBeInstanceOf(CrmError);
    expect(wrongSecret).toMatchObject({ retry: "later", afterMs: 60_000 });
    expect(wrongSecret.message).toContain("invalid_client");
    expect(wrongSecret.message).toContain("copy it again");
    expect(wrongSecret.message).not.toContain("not it");
    await expect(crm.again({ clientId: "nobody" }).prepare?.()).rejects.toThrow("consumer key");
  });

  test("waits when the sign-in answers with a page or not at all", async () => {
    const { connector, org, noted } = await arrange();
    org.faults.add({
      type: "status",
      status: 503,
      text: "<html>maintenance</html>",
      match: "token",
      times: 1,
    });
    await expect(connector.prepare?.()).rejects.toMatchObject({ retry: "later" });
    org.faults.add({ type: "reset", match: "token", times: 1 });
    await expect(connector.prepare?.()).rejects.toMatchObject({ retry: "later" });
    expect(noted.map(({ status }) => status)).toEqual([503, "network"]);
    await connector.prepare?.();
  });
});

describe("the settings of Salesforce", () => {
  const faults = (given: object): string[] => {
    const result = salesforce.settings.safeParse({ type: "salesforce", ...given });
    return (result.error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
  };
  const secret = { clientId: "id", clientSecret: "secret", loginUrl: "https://acme.my.salesforce.com" };

  test("take one of three ways to sign in", () => {
    expect(faults(secret)).toEqual([]);
    expect(faults({ clientId: "id", privateKey: keys.privateKey, username: "me@acme.com" })).toEqual([]);
    expect(faults({ accessToken: "token", apiUrl: "https://acme.my.salesforce.com/" })).toEqual([]);
    expect(faults({})).toEqual([expect.stringContaining("say how to sign in")]);
    expect(faults({ ...secret, accessToken: "token", apiUrl: "https://acme.my.salesforce.com" })).toEqual([
      expect.stringContaining("one way to sign in"),
    ]);
  });

  test.each([
    [{ clientId: "id", clientSecret: "secret" }, "loginUrl: needed with clientSecret"],
    [{ clientSecret: "secret", loginUrl: "https://acme.my.salesforce.com" }, "clientId: needed"],
    [{ clientId: "id", privateKey: keys.privateKey }, "username: needed"],
    [{ clientId: "id", privateKey: "a secret", username: "me" }, "privateKey: not a private RSA key"],
    [{ accessToken: "token" }, "apiUrl: needed with accessToken"],
    [{ ...secret, apiVersion: "45.0" }, 'apiVersion: at least "46.0"'],
    [{ ...secret, apiVersion: 66 }, "apiVersion: a version in quotes"],
    [{ ...secret, apiUrl: "https://acme.lightning.force.com" }, "apiUrl: the My Domain URL"],
    [{ ...secret, apiUrl: "https://acme.my.salesforce.com/services" }, "apiUrl: only the host"],
    [{ ...secret, keyField: "Call Key" }, "keyField: an API name"],
    [{ ...secret, passwort: "x" }, "passwort"],
  ])("name what is wrong with %o", (given, fault) => {
    expect(faults(given).join("\n")).toContain(fault);
  });
});
