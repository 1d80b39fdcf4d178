import { describe, expect, test } from "vitest";
import { errorOf, rowError } from "../../connectors/hubspot/errors.ts";
import { rowFailure } from "../../connectors/salesforce/errors.ts";
import { maskPeople } from "../../src/core/mask.ts";
import { failureReason } from "../../src/flow/failures/reason.ts";

/** What HubSpot says of a property, as its batch and its single endpoints do. */
function hubspot(name: string, error: string, message: string, id: string): string {
  const listed = JSON.stringify([{ isValid: false, message, error, name }]);
  const body = {
    status: "error",
    category: "VALIDATION_ERROR",
    message: `Property values were not valid: ${listed}`,
    correlationId: id,
  };
  return maskPeople(errorOf({ status: 400, body, headers: {} }, "HubSpot, logging calls", 0).message);
}

const row = (category: string, message: string) => maskPeople(rowError({ category, message }).message);
const salesforce = (code: string, message: string) =>
  maskPeople(rowFailure("the call", [{ code, message, fields: [] }]).message);

/** Two calls with the same reason, the problem, the cure, and its place. */
const same: [string, [string, string], string, string, string | undefined][] = [
  [
    "an option that HubSpot lacks",
    [
      hubspot("hs_call_status", "INVALID_OPTION", "A was not one of the allowed options: [B, C]", "1f-2"),
      hubspot("hs_call_status", "INVALID_OPTION", "Zz 9 was not one of the allowed options: [B, C]", "a-7"),
    ],
    ...(["option", "mapping", "hs_call_status"] as const),
  ],
  [
    "a property that is gone",
    [
      row("VALIDATION_ERROR", 'Property "call_topic" does not exist'),
      row("VALIDATION_ERROR", 'Property "call_topic" does not exist'),
    ],
    ...(["field", "mapping", "call_topic"] as const),
  ],
  [
    "an owner who is gone",
    [
      hubspot("hubspot_owner_id", "INVALID_OWNER_ID", "Owner 77123 does not exist", "1"),
      hubspot("hubspot_owner_id", "INVALID_OWNER_ID", "Owner 9 does not exist", "2"),
    ],
    ...(["owner", "agents", "hubspot_owner_id"] as const),
  ],
  [
    "an association to a record that is gone",
    [
      row("VALIDATION_ERROR", "Create associations failed: CONTACT=4711001 is not valid, INVALID_OBJECT_IDS"),
      row("VALIDATION_ERROR", "Create associations failed: CONTACT=12 is not valid, INVALID_OBJECT_IDS"),
    ],
    ...(["record", "retry", undefined] as const),
  ],
  [
    "a picklist value that Salesforce lacks",
    [
      salesforce(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "Call Type: bad value for restricted picklist field: Sideways",
      ),
      salesforce(
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "Call Type: bad value for restricted picklist field: Up: and away",
      ),
    ],
    ...(["option", "mapping", "Call Type"] as const),
  ],
  [
    "a text that is too long",
    [
      salesforce("STRING_TOO_LONG", "Subject: data value too large: Call from Asha (max length=255)"),
      salesforce("STRING_TOO_LONG", "Subject: data value too large: Call from Piet (x) (max length=255)"),
    ],
    ...(["too-long", "mapping", "Subject"] as const),
  ],
  [
    "a column that is gone",
    [
      salesforce("INVALID_FIELD", "No such column 'Topic__c' on sobject of type Task"),
      salesforce("INVALID_FIELD", "No such column 'Topic__c' on sobject of type Task"),
    ],
    ...(["field", "mapping", "Topic__c"] as const),
  ],
  [
    "a required field",
    [
      salesforce("REQUIRED_FIELD_MISSING", "Required fields are missing: [Region__c, Status]"),
      salesforce("REQUIRED_FIELD_MISSING", "Required fields are missing: [Region__c, Status]"),
    ],
    ...(["required", "mapping", "Region__c"] as const),
  ],
  [
    "an inactive user",
    [
      salesforce("INACTIVE_OWNER_OR_USER", "operation performed with inactive user [005Hn00000HhXyzIAF]"),
      salesforce("INACTIVE_OWNER_OR_USER", "operation performed with inactive user [005Hn00000Hh123IAF]"),
    ],
    ...(["owner", "agents", undefined] as const),
  ],
  [
    "a record that is gone",
    [
      salesforce("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id 003000000000001AAA"),
      salesforce("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id 003000000000002BBB"),
    ],
    ...(["record", "retry", undefined] as const),
  ],
  [
    "a validation rule",
    [
      salesforce("FIELD_CUSTOM_VALIDATION_EXCEPTION", 'No calls with "Asha" on 12-03-2026'),
      salesforce("FIELD_CUSTOM_VALIDATION_EXCEPTION", 'No calls with "Piet" on 13-03-2026'),
    ],
    ...(["rule", "crm", undefined] as const),
  ],
  [
    "a permission of the user",
    [
      salesforce("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"),
      salesforce("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"),
    ],
    ...(["access", "crm", undefined] as const),
  ],
  [
    "a mapping that fails",
    [
      "the mapping cannot be applied to this call: “render limit exceeded after 12 ms”",
      "the mapping cannot be applied to this call: “render limit exceeded after 345 ms”",
    ],
    ...(["template", "mapping", undefined] as const),
  ],
  [
    "words that are unknown",
    [
      row("VALIDATION_ERROR", "Calls are closed for 12345, ask anna@example.com or +31612345678"),
      row("VALIDATION_ERROR", "Calls are closed for 99, ask piet@example.com or +31501234567"),
    ],
    ...(["other", "retry", undefined] as const),
  ],
];

describe("the reason of a refusal", () => {
  test.each(same)("is the same for all calls with %s", (_, [one, two], problem, kind, place) => {
    const found = failureReason(one);
    expect(failureReason(two)).toEqual(found);
    expect(found).toMatchObject({ problem, cure: { kind } });
    expect(found.cure.place).toBe(place);
    if (place && !["owner"].includes(problem)) expect(found.sentence).toContain(place);
    expect(found.words).not.toMatch(/Asha|Piet|4711001|77123|005Hn|anna|Sideways|correlation|\b12\b/);
  });

  test("differs by field and by problem", () => {
    const groups = same.map(([, [one]]) => failureReason(one).group);
    expect(new Set(groups).size).toBe(same.length);
    const other = hubspot(
      "hs_call_direction",
      "INVALID_OPTION",
      "A was not one of the allowed options: []",
      "1",
    );
    expect(groups).not.toContain(failureReason(other).group);
  });

  test("of any text is found quickly", () => {
    const started = performance.now();
    for (const hostile of [
      '"'.repeat(5_000),
      "0 ".repeat(5_000),
      "a: ".repeat(5_000),
      "“".repeat(5_000),
      "a1".repeat(5_000),
      `${"x ".repeat(5_000)}was not one of`,
    ])
      failureReason(hostile);
    expect(performance.now() - started).toBeLessThan(500);
  });
});
