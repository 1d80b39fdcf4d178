import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { acme, acmeWith, faultsOf, inCheckout, linesOf, load } from "./config/loading.ts";

const token = "a-token-of-16-ch";

describe("a config file", () => {
  test("is filled up with defaults", () => {
    const config = load(acmeWith());
    expect(config).toMatchObject({
      port: 8484,
      host: "127.0.0.1",
      publicUrl: "http://127.0.0.1:8484",
      dataFolder: "./data",
      logLevel: "info",
    });
    expect(config.installations).toEqual([
      {
        name: "acme",
        crm: { type: "local", file: "/etc/switchhook/crm.json" },
        providers: { voys: { secret: ["voys-secret"] } },
        region: "NL",
        timeZone: "UTC",
        mappingFile: inCheckout("mappings/local.json"),
        mappingIsDefault: true,
        agents: [],
        unknownCallers: "never",
        logInternalCalls: false,
        contactOrder: ["contact", "lead", "company"],
        settleSeconds: 3,
        followUpDueMinutes: 60,
        answerDeadlineMs: 1500,
        companyNumbers: [],
        reconcile: true,
        recording: "link",
        recordingLines: {},
        recordingDays: 365,
      },
    ]);
  });

  test("gives way to the environment, where an empty variable is none", () => {
    const written = {
      ...acmeWith(),
      port: 1,
      host: "localhost",
      publicUrl: "https://calls.example.com/hook//",
    };
    const config = load(written, {
      PORT: "9000",
      HOST: "",
      SWITCHHOOK_DATA: "/var/lib/x",
      LOG_LEVEL: "WARN",
      SWITCHHOOK_ADMIN_TOKEN: token,
    });
    expect(config).toMatchObject({
      port: 9000,
      host: "localhost",
      dataFolder: "/var/lib/x",
      logLevel: "warn",
    });
    expect(config.publicUrl).toBe("https://calls.example.com/hook");
  });

  test("takes secrets from the environment, at any depth", () => {
    const voys = { secret: [{ env: "NEW" }, { env: "OLD" }] };
    const config = load(acmeWith({ providers: { voys } }), { NEW: "new-secret", OLD: "old-secret" });
    expect(config.installations[0]?.providers).toEqual({ voys: { secret: ["new-secret", "old-secret"] } });
  });

  test("gives no two installations one CRM file", () => {
    const shared = { installations: { acme, other: acme } };
    expect(linesOf(shared)).toEqual([
      "other.crm.file: the installation acme has the same CRM file. Give each installation a file of its own.",
    ]);
  });

  test("says of a person what the providers call them, and numbers in E.164", () => {
    const agents = [
      { email: "femke@example.com", voys: ["201"], retell: "agent_f", phones: ["050 123 4567"] },
    ];
    const [installation] = load(acmeWith({ agents, companyNumbers: ["+31 50 765 4321"] })).installations;
    expect(installation?.agents).toEqual(agents);
    expect(installation?.companyNumbers).toEqual(["+31507654321"]);
  });

  test("may begin with a byte order mark", () => {
    expect(load(`\uFEFF${JSON.stringify(acmeWith())}`).installations).toHaveLength(1);
  });
});

describe("without a config file", () => {
  test("the demo stands ready for all four providers", () => {
    const [demo, ...others] = load(undefined, { SWITCHHOOK_DATA: "/tmp/d" }).installations;
    expect(others).toEqual([]);
    expect(demo).toMatchObject({
      name: "demo",
      crm: { type: "local", file: "/tmp/d/demo-crm.json" },
      settleSeconds: 1,
      providers: {
        exotel: { secret: ["demo-key"] },
        voys: { secret: ["demo-key"] },
        retell: { apiKey: ["demo-retell-key"], defaultAgent: "agent_front_desk" },
        bird: { signingKey: ["demo-bird-key"] },
      },
    });
  });

  test("the demo knows the owners of the sample CRM", () => {
    const sample = JSON.parse(readFileSync(inCheckout("connectors/local/sample.json"), "utf8"));
    const emails = sample.owners.map(({ email }: { email: string }) => email);
    expect(load(undefined).installations[0]?.agents.map(({ email }) => email)).toEqual(emails);
  });

  test("no address but loopback is served, token or not", () => {
    const [fault] = faultsOf(undefined, { HOST: "0.0.0.0", SWITCHHOOK_ADMIN_TOKEN: token });
    expect(fault?.at).toBe("environment: HOST");
    expect(fault?.cure).toContain("Write a switchhook.json");
    for (const HOST of ["localhost", "::1", "127.0.0.2"]) expect(faultsOf(undefined, { HOST })).toEqual([]);
    expect(load(undefined, { HOST: "::1" }).publicUrl).toBe("http://[::1]:8484");
  });
});

describe("an open host", () => {
  test("needs an admin token", () => {
    const open = { ...acmeWith(), host: "0.0.0.0" };
    expect(linesOf(open)[0]).toMatch(/^host: 0\.0\.0\.0 can be reached .* Set SWITCHHOOK_ADMIN_TOKEN/);
    expect(load(open, { SWITCHHOOK_ADMIN_TOKEN: token }).host).toBe("0.0.0.0");
    for (const host of [
      "localhost.evil.example",
      "127.0.0.1.evil.example",
      "x127.0.0.1",
      "192.168.1.1",
      "::",
    ]) {
      expect(faultsOf({ ...acmeWith(), host }), host).toHaveLength(1);
    }
  });
});

describe("a public URL", () => {
  test.each(["https://calls.example.com", "http://192.168.1.7:8484", "https://localhost.evil.example"])(
    "that is not loopback needs an admin token: %s",
    (publicUrl) => {
      const open = { ...acmeWith(), publicUrl };
      expect(linesOf(open)).toEqual([
        `publicUrl: ${publicUrl} can be reached from other machines, and nothing guards the API and the console. Set SWITCHHOOK_ADMIN_TOKEN to a random text: openssl rand -base64 32.`,
      ]);
      expect(load(open, { SWITCHHOOK_ADMIN_TOKEN: token }).publicUrl).toBe(publicUrl);
    },
  );

  test.each(["http://localhost:8484", "http://127.0.0.1", "https://[::1]:8443/base"])(
    "of this machine needs none: %s",
    (publicUrl) => {
      expect(faultsOf({ ...acmeWith(), publicUrl })).toEqual([]);
    },
  );
});

test("an admin token has at least 16 characters", () => {
  expect(linesOf(acmeWith(), { SWITCHHOOK_ADMIN_TOKEN: token.slice(1) })).toEqual([
    "environment: SWITCHHOOK_ADMIN_TOKEN: the token has fewer than 16 characters. Use a random one: openssl rand -base64 32.",
  ]);
  expect(load(acmeWith(), { SWITCHHOOK_ADMIN_TOKEN: token }).adminToken).toBe(token);
});
