import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type InstallSite, installSite } from "../support/install-site.ts";

const hostile = [
  "evil.example.com",
  "https://evil.example.com",
  "//evil.example.com",
  "evil.example.com/.my.salesforce.com",
  "evil.example.com#.my.salesforce.com",
  "evil.example.com?.my.salesforce.com",
  "evil@my.salesforce.com",
  "a.my.salesforce.com@evil.example.com",
  "a.my.salesforce.com.evil.example.com",
  "evilmy.salesforce.com",
  "a.my.salesforce.com:8443",
  "a\r\nlocation: https://evil.example.com",
  "a%0d%0alocation:%20https://evil.example.com",
  "javascript:alert(1)",
  "..",
  "/../evil",
  "\u202eevil",
  "eu1.evil.example.com",
  "<script>alert(1)</script>",
  "a".repeat(201),
  "a".repeat(8_000),
];

describe.each(["hubspot", "salesforce"] as const)("a hostile visitor of the installation of %s", (crm) => {
  let site: InstallSite;
  beforeAll(async () => {
    site = await installSite(crm);
  });
  afterAll(() => site.stop());

  test.each(hostile)("is not led anywhere by where = %j", async (where) => {
    const answer = await site.get(`/install/${crm}?region=NL&where=${encodeURIComponent(where)}`);
    expect(answer.status).toBe(400);
    expect(answer.headers.get("location")).toBeNull();
    expect(answer.headers.get("content-type")).toContain("application/json");
    expect(site.logged()).not.toContain("a request failed");
  });

  test("is led to the app's own consent page whatever else the query says", async () => {
    const more = ["redirect_uri", "state", "client_id", "scope", "authorizeUrl", "loginUrl", "next", "url"]
      .map((name) => `${name}=${encodeURIComponent("https://evil.example.com")}`)
      .join("&");
    const answer = await site.get(`/install/${crm}?region=NL&${more}`, { host: "evil.example.com" });
    expect(answer.headers.get("location") ?? "").not.toContain("evil");
    if (answer.status !== 302) expect(answer.status).toBe(400);
    else {
      const { origin, searchParams } = new URL(answer.headers.get("location") ?? "");
      expect(origin).toBe(site.world.emulator.url);
      expect(searchParams.get("redirect_uri")).toBe(`https://hooks.example.com/install/${crm}/callback`);
    }
  });

  test.each([
    "where=a&where=b",
    "where[]=a",
    "where[__proto__]=a",
    "region[]=NL",
    "region=NL&region=IN",
    "region=%0d%0a",
  ])("gets a plain refusal for ?%s", async (query) => {
    const region = query.includes("region") ? "" : "region=NL&";
    const answer = await site.get(`/install/${crm}?${region}${query}`);
    expect([200, 302, 400]).toContain(answer.status);
    const led = answer.headers.get("location") ?? site.world.emulator.url;
    expect(new URL(led).origin).toBe(site.world.emulator.url);
  });

  test("cannot make the callback lead, link or show HTML", async () => {
    const evil = '<script src="https://evil.example.com"></script>';
    const text = encodeURIComponent(evil);
    const paths = [
      `/install/${crm}/callback?error=${text}&error_description=${text}&state=x`,
      `/install/${crm}/callback?code=${text}&state=${text}`,
      `/install/${crm}/callback?code=a&code=b&state=c`,
      `/install/${crm}/callback?error_uri=${text}&redirect_uri=${text}`,
      `/install/${text}/callback?error=denied`,
      `/install/${text}?region=NL`,
      `/install/__proto__?region=NL`,
      `/install/constructor/callback?code=a&state=b`,
      `/install//evil.example.com?region=NL`,
      `/install/${crm}/callback?code=${"c".repeat(4_001)}&state=s`,
    ];
    for (const path of paths) {
      const answer = await site.get(path, { cookie: "switchhook_install=x" });
      expect([400, 404], path).toContain(answer.status);
      expect(answer.headers.get("location"), path).toBeNull();
      expect(answer.headers.get("content-type"), path).toContain("application/json");
      expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    }
    expect(site.logged()).not.toContain("evil.example.com");
  });

  test("sees no secret: not in a page, not in an error, not in the log", async () => {
    const { consent, cookie } = await site.begin();
    const back = await site.agree(consent);
    const { text, name } = await site.install();
    const failed = await site.comeBack(back, "switchhook_install=x");
    const failure = await failed.text();
    site.revoke();
    await site.server.parts.installations
      .get(name)
      ?.connector.owners?.()
      .catch(() => {});
    const stored = await site.server.parts.flow.store.installs();
    const said = [text, failure, site.logged(), JSON.stringify(stored)].join("\n");
    expect(said).toContain(name);
    const secrets = [
      "our-app-secret-of-the-test",
      back.searchParams.get("code") ?? "",
      back.searchParams.get("state") ?? "",
      /=([^;]+)/.exec(cookie)?.[1] ?? "",
      ...(await site.tokens()),
    ];
    expect(secrets.length).toBeGreaterThan(5);
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(5);
      expect(said).not.toContain(secret);
      expect(said).not.toContain(encodeURIComponent(secret));
    }
  });
});
