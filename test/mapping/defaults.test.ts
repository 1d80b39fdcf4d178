import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { outcomes } from "../../src/core/call.ts";
import { parseMapping } from "../../src/mapping/compile.ts";
import { schemaText } from "../../src/mapping/schema.ts";
import { emptyView, fullView, missedCall, withCall } from "./samples.ts";

const crms = ["local", "hubspot", "salesforce"] as const;
const subjects = { local: "subject", hubspot: "hs_call_title", salesforce: "Subject" };

function textOf(crm: string): string {
  return readFileSync(new URL(`../../mappings/${crm}.json`, import.meta.url), "utf8");
}

function load(crm: string) {
  return parseMapping(textOf(crm), `mappings/${crm}.json`);
}

describe.each([
  ["hubspot", "hs_call_body", 65_536],
  ["salesforce", "Description", 32_000],
] as const)("mappings/%s.json", (crm, field, limit) => {
  const textWith = (call: object) =>
    String(load(crm).activity({ ...fullView, call: { ...fullView.call, ...call } }).fields[field]);

  test("cuts a long transcript to what the CRM takes, with a link to the rest", () => {
    expect(textWith({ transcript: "", summary: "Short." })).not.toContain("/transcripts/");
    for (const long of [{ transcript: "word ".repeat(50_000) }, { summary: "word ".repeat(5_000) }]) {
      const text = textWith(long);
      expect(text).toContain("https://calls.example.com/transcripts/1-abc");
      expect(text.length).toBeLessThan(limit);
      expect(text.match(/word/g)?.length ?? 0).toBeLessThan(2_000);
    }
  });
});

describe.each(crms)("mappings/%s.json", (crm) => {
  const mapping = load(crm);

  test("is for its CRM and points editors at the schema", () => {
    expect(mapping.crm).toBe(crm);
    expect(JSON.parse(textOf(crm)).$schema).toBe("./mapping.schema.json");
  });

  test("has every activity field on a line of its own", () => {
    const lines = textOf(crm).split("\n");
    for (const field of mapping.activityFields) {
      const line = lines.find((one) => one.startsWith(`    "${field}": `))?.replace(/,$/, "");
      expect(() => JSON.parse(`{${line}}`)).not.toThrow();
    }
  });

  test("tells a rep what happened", () => {
    const subject = (call: object, more = {}) =>
      mapping.activity({ ...withCall(call), ...more }).fields[subjects[crm]];
    const customer = { number: "+919876543210" };
    const contact = fullView.contact;
    expect(mapping.activity(fullView).fields[subjects[crm]]).toBe(
      "Inbound call from Asha Rao · answered by Early · transferred to Ravi Kumar",
    );
    expect(subject(missedCall, { contact })).toBe("Missed call from Asha Rao");
    expect(subject({ ...missedCall, customer })).toBe("Missed call from +91 98765 43210");
    expect(subject({ ...missedCall, customer: { number: "anonymous" } })).toBe(
      "Missed call from a withheld number",
    );
    expect(subject({ direction: "outbound", customer })).toBe("Outbound call to +91 98765 43210");
    expect(subject({ direction: "outbound", phase: "ended", outcome: "busy", customer })).toBe(
      "Call to +91 98765 43210 · busy",
    );
    expect(subject({})).toBe("Call");
  });

  test.each(
    outcomes.flatMap((outcome) =>
      (["inbound", "outbound", "internal"] as const).map((direction) => ({ outcome, direction })),
    ),
  )("reads naturally for %j with nothing else known", ({ outcome, direction }) => {
    const view = withCall({ outcome, direction, phase: "ended" });
    const fields = [mapping.activity(view).fields, mapping.contact(view), mapping.task(view) ?? {}];
    for (const value of fields.flatMap(Object.values).map(String)) {
      expect(value).not.toMatch(
        / {2}|\s$|^\s|undefined|null|NaN| \.|: *$|\b(from|to|by|for|on|at) *\.?$|\{\{|\{%/,
      );
    }
  });

  test("asks for a call back after a missed call, and for nothing after a talk", () => {
    const task = mapping.task(withCall({ ...missedCall, customer: { number: "+919876543210" } }));
    expect(Object.values(task ?? {})).toContain("Call back +91 98765 43210");
    expect(mapping.task(fullView)).toBeUndefined();
  });

  test("tells the AI agent who calls, and of a stranger only that they are one", () => {
    expect(mapping.answer(fullView)).toMatchObject({
      variables: {
        customer_name: "Asha Rao",
        first_name: "Asha",
        company: "Acme",
        owner_name: "Meera",
        known_caller: "true",
      },
      metadata: { contact_id: "7", owner_id: "o1" },
    });
    expect(mapping.answer(emptyView)).toEqual({ variables: { known_caller: "false" }, metadata: {} });
  });
});

test("HubSpot gets milliseconds, its own words and escaped HTML", () => {
  expect(load("hubspot").activity(fullView).fields).toMatchObject({
    hs_timestamp: "2026-11-20T20:05:00.000Z",
    hs_call_duration: 320400,
    hs_call_direction: "INBOUND",
    hs_call_status: "COMPLETED",
    hs_call_disposition: "Connected",
    hs_call_source: "INTEGRATIONS_PLATFORM",
    hs_call_external_id: "c1",
    hs_call_body: expect.stringContaining("<p>Wants &lt;b&gt;a refund&lt;/b&gt; &amp; a call</p>"),
  });
});

test("Salesforce gets seconds, the local day, and what may not change once", () => {
  const { fields, modes } = load("salesforce").activity(fullView);
  expect(fields).toMatchObject({
    CallDurationInSeconds: 320,
    ActivityDate: "2026-11-21",
    CallType: "Inbound",
    CallObject: "c1",
    TaskSubtype: "Call",
  });
  expect(modes).toMatchObject({ TaskSubtype: "once", Status: "once", Subject: "always" });
});

test("texts stay within what the CRMs take, however long the call", () => {
  const long = {
    ...fullView,
    call: { ...fullView.call, transcript: "ä".repeat(500_000), summary: "x".repeat(100_000) },
  };
  expect(String(load("salesforce").activity(long).fields["Description"]).length).toBeLessThan(32_000);
  expect(String(load("hubspot").activity(long).fields["hs_call_body"]).length).toBeLessThan(65_536);
  const named = {
    ...long,
    contact: {
      ...long.contact,
      id: "1",
      kind: "contact" as const,
      phones: [],
      fields: {},
      name: "x".repeat(9_000),
    },
  };
  expect(String(load("salesforce").activity(named).fields["Subject"]).length).toBeLessThanOrEqual(255);
});

test("a blocked contact of the local CRM is turned away", () => {
  const contact = { id: "1", kind: "contact" as const, phones: [], fields: { blocked: true } };
  expect(load("local").answer({ ...emptyView, contact })).toMatchObject({
    reject: true,
    rule: "blocked callers",
  });
});

test("the schema for editors is up to date (npm run schema)", () => {
  expect(textOf("mapping.schema")).toBe(schemaText());
});
