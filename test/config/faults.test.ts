import { describe, expect, test } from "vitest";
import { acme, acmeWith, faultsOf, file, inCheckout, type Json, linesOf } from "./loading.ts";

describe("a fault says what, where and what to do", () => {
  test.each<[string, Json | string, string]>([
    ["broken JSON", '{\n  "installations": {,', "line 2, column 21: "],
    [
      "a typo at the top",
      { ...acmeWith(), publicURL: "x" },
      "publicURL: there is no such setting. Did you mean publicUrl?",
    ],
    [
      "a typo in a setting",
      acmeWith({ settleSecond: 1 }),
      "acme.settleSecond: there is no such setting. Did you mean settleSeconds?",
    ],
    [
      "a typo in a provider's setting",
      acmeWith({ providers: { voys: { secrets: "abcd" } } }),
      "acme.providers.voys.secrets: there is no such setting. Did you mean secret?",
    ],
    [
      "a typo in a person",
      acmeWith({ agents: [{ email: "a@b.c", voy: ["1"] }] }),
      "acme.agents[0].voy: there is no such setting. Did you mean voys?",
    ],
    [
      "an unknown provider",
      acmeWith({ providers: { void: {} } }),
      'acme.providers.void: there is no provider "void". Use one of',
    ],
    ["a mistyped provider", acmeWith({ providers: { retel: {} } }), "Did you mean retell?"],
    [
      "an unknown CRM",
      acmeWith({ crm: { type: "locall" } }),
      'acme.crm.type: there is no CRM "locall". Did you mean local?',
    ],
    [
      "an inherited name as CRM",
      acmeWith({ crm: { type: "constructor" } }),
      "acme.crm.type: there is no CRM",
    ],
    ["a CRM without a type", acmeWith({ crm: {} }), "acme.crm.type: the CRM is not named."],
    ["no region", acmeWith({ region: undefined }), "acme.region: is missing. Add it: string."],
    ["a strange region", acmeWith({ region: "Holland" }), "acme.region: is not an ISO country code"],
    [
      "a mistyped time zone",
      acmeWith({ timeZone: "Europe/Amsterdm" }),
      "acme.timeZone: is not a time zone. Did you mean Europe/Amsterdam?",
    ],
    [
      "a number nobody can dial",
      acmeWith({ companyNumbers: ["+31501234567", "12"] }),
      "acme.companyNumbers[1]: is not a phone number",
    ],
    [
      "a person twice",
      acmeWith({ agents: [{ email: "A@b.c" }, { email: "a@B.c" }] }),
      "acme.agents[1]: e-mail a@b.c stands at agents[0] already.",
    ],
    [
      "an extension of two people",
      acmeWith({
        agents: [
          { email: "a@b.c", voys: ["1"] },
          { email: "d@e.f", voys: ["1"] },
        ],
      }),
      "acme.agents[1]: voys 1 stands at agents[0] already.",
    ],
    [
      "a kind of contact twice",
      acmeWith({ contactOrder: ["lead", "lead"] }),
      "acme.contactOrder: names a kind twice.",
    ],
    [
      "a mapping that is not there",
      acmeWith({ mapping: "nowhere.json" }),
      "acme.mapping: the mapping file cannot be read (ENOENT",
    ],
    [
      "a mapping of another CRM",
      acmeWith({ mapping: inCheckout("mappings/hubspot.json") }),
      'is for the CRM "hubspot"',
    ],
    ["a mapping that does not compile", acmeWith({ mapping: inCheckout("package.json") }), "package.json: "],
    [
      "an installation's name",
      { installations: { "Acme BV": acme } },
      '"Acme BV": an installation cannot have this name.',
    ],
    ["no installation", { installations: {} }, "installations: has no installation."],
    [
      "an address with a query",
      { ...acmeWith(), publicUrl: "https://a.example/?x=1" },
      "publicUrl: is not an address",
    ],
  ])("%s", (_name, source, expected) => {
    const found = linesOf(source).filter((line) => line.includes(expected));
    expect(found).toEqual([...new Set(found)]);
    expect(found, linesOf(source).join("\n")).not.toEqual([]);
  });

  test("a variable that is not set, and nothing about the secret it stands for", () => {
    const retell = { apiKey: { env: "RETELL_KEY" } };
    expect(linesOf(acmeWith({ providers: { retell } }))).toEqual([
      'acme.providers.retell.apiKey: the environment variable "RETELL_KEY" is not set. Set it, or write the name of another.',
    ]);
    expect(linesOf(acmeWith({ providers: { retell } }), { RETELL_KEY: "" })[0]).toContain("is empty");
    expect(linesOf(acmeWith({ providers: { retell: { apiKey: { env: "toString" } } } }))).toHaveLength(1);
  });

  test.each(["signingKey", "platformSecret"])(
    "a variable for bird's %s: one fault, not its consequences",
    (name) => {
      const bird = { [name]: { env: "BIRD_SECRET" } };
      expect(linesOf(acmeWith({ providers: { bird } }))).toHaveLength(1);
    },
  );

  test.each(["-1", "65536", "8e3", "8484.5"])("a port that is none: %s", (PORT) => {
    expect(linesOf(acmeWith(), { PORT })).toHaveLength(1);
  });

  test("a variable of the environment", () => {
    const faults = faultsOf(acmeWith(), {
      PORT: "80a",
      LOG_LEVEL: "debugg",
      DATABASE_URL: "mysql://u:pw@h/d",
    });
    expect(faults.map(({ at }) => at)).toEqual([
      "environment: PORT",
      "environment: DATABASE_URL",
      "environment: LOG_LEVEL",
    ]);
    expect(JSON.stringify(faults)).not.toContain("pw@h");
  });

  test("all faults of all installations come at once, and secrets are not repeated", () => {
    const b = { ...acme, region: "XX", providers: { voys: { secret: "abc" }, retell: { apiKey: 12345678 } } };
    const source = { installations: { a: { ...acme, settleSeconds: -1 }, b, __proto: {} }, port: "8484" };
    const faults = faultsOf(source, { PORT: "x" });
    for (const place of [
      "a.settleSeconds",
      "b.region",
      "b.providers.voys.secret",
      "b.providers.retell.apiKey",
      "__proto",
    ]) {
      expect(faults.filter(({ at }) => at.includes(place)).length, place).toBeGreaterThan(0);
    }
    expect(faults.map(({ at }) => at)).toContain("environment: PORT");
    expect(faults.map(({ at }) => at)).toContain(`${file}: port`);
    expect(JSON.stringify(faults)).not.toMatch(/12345678|"abc"/);
  });
});
