import { createHash } from "node:crypto";

/** What is wrong, for texts in the reader's language. */
export const problems = [
  "option",
  "field",
  "read-only",
  "required",
  "too-long",
  "value",
  "template",
  "owner",
  "permission",
  "access",
  "rule",
  "record",
  "other",
] as const;
type Problem = (typeof problems)[number];

/** Where a person puts a failure right. */
export const cureKinds = ["reconnect", "mapping", "agents", "crm", "retry"] as const;

/** What the refusals of several calls have in common. */
export type FailureReason = {
  /** The same for calls that failed for the same reason. */
  group: string;
  problem: Problem;
  /** One sentence for people. */
  sentence: string;
  /** The reason as it was stored, without what differs from call to call. */
  words: string;
  /** `place`: the field of the CRM that it is about. */
  cure: { kind: (typeof cureKinds)[number]; place?: string };
};

type Rule = {
  pattern: RegExp;
  problem: Problem;
  kind: FailureReason["cure"]["kind"];
  sentence: (field: string) => string;
};

/** The first that fits counts. Codes are those of HubSpot's rows and of Salesforce's REST API. */
const rules: readonly Rule[] = [
  {
    pattern: /INVALID_OWNER_ID|INACTIVE_OWNER_OR_USER|\bhubspot_owner_id\b|\bOwnerId\b/,
    problem: "owner",
    kind: "agents",
    sentence: () => "The CRM does not take the owner of these calls: the user is inactive or gone.",
  },
  {
    pattern: /the mapping cannot be applied/,
    problem: "template",
    kind: "mapping",
    sentence: () => "The mapping cannot be applied to these calls.",
  },
  {
    pattern: /INVALID_OPTION|not one of the allowed options|RESTRICTED_PICKLIST/,
    problem: "option",
    kind: "mapping",
    sentence: (field) => `The CRM does not offer the value that the mapping gives to ${field}.`,
  },
  {
    pattern: /INVALID_FIELD_FOR_INSERT_UPDATE|READ_ONLY/,
    problem: "read-only",
    kind: "mapping",
    sentence: (field) => `The CRM does not let Switchhook write ${field}.`,
  },
  {
    pattern: /PROPERTY_DOESNT_EXIST|INVALID_FIELD\b|No such column|property .* does not exist|archive/i,
    problem: "field",
    kind: "mapping",
    sentence: (field) => `The CRM does not have ${field} any more, or hides it.`,
  },
  {
    pattern: /REQUIRED_FIELD_MISSING|Required fields are missing/,
    problem: "required",
    kind: "mapping",
    sentence: (field) => `The CRM requires ${field}, and the mapping does not fill it.`,
  },
  {
    pattern: /STRING_TOO_LONG|too large|too long/,
    problem: "too-long",
    kind: "mapping",
    sentence: (field) => `The text for ${field} is longer than the CRM allows.`,
  },
  {
    pattern: /lacks a permission|MISSING_SCOPES|not granted|refuses (?:the|our) access token|\bscopes?\b/,
    problem: "permission",
    kind: "reconnect",
    sentence: () => "Switchhook lacks a permission that these calls need.",
  },
  {
    pattern: /INSUFFICIENT_ACCESS|API_DISABLED|API_CURRENTLY_DISABLED|INVALID_TYPE|forbids|\bNOT_FOUND\b/,
    problem: "access",
    kind: "crm",
    sentence: () => "The CRM does not give Switchhook's user access to what these calls need.",
  },
  {
    pattern: /CUSTOM_VALIDATION|CANNOT_INSERT_UPDATE_ACTIVATE|validation rule|trigger or flow/,
    problem: "rule",
    kind: "crm",
    sentence: () => "A rule or an automation in the CRM refuses these calls.",
  },
  {
    pattern: /INVALID_CROSS_REFERENCE|ENTITY_IS_DELETED|INVALID_OBJECT_IDS|OBJECT_NOT_FOUND/,
    problem: "record",
    kind: "retry",
    sentence: () => "A record that these calls belong to is gone; a retry looks for another one.",
  },
  {
    pattern: /\bINVALID_[A-Z_]+|not valid|must be a valid|is invalid/,
    problem: "value",
    kind: "mapping",
    sentence: (field) => `The CRM cannot read the value that the mapping gives to ${field}.`,
  },
];

const other: Rule = {
  pattern: /^/,
  problem: "other",
  kind: "retry",
  sentence: () => "The CRM refused these calls.",
};

/** What a stored reason says, apart from the ids, numbers and values of the single call. */
export function failureReason(reason: string): FailureReason {
  const { words, field } = commonPart(reason);
  const { problem, kind, sentence } = rules.find(({ pattern }) => pattern.test(reason)) ?? other;
  return {
    group: createHash("sha256").update(words).digest("hex").slice(0, 12),
    problem,
    sentence: sentence(field ?? "a field"),
    words,
    cure: { kind, ...(field !== undefined && { place: field }) },
  };
}

/** Names of fields stay in the common part; everything else in quotes is a value. */
const fieldName = /^(?:[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[A-Za-z]\w*__c|[A-Z][a-z]+(?:[A-Z][a-z]+)+)$/;
const listedName = /"name":\s*"([^"]+)"/g;
const listedCode = /"error":\s*"([^"]+)"/g;

function commonPart(reason: string): { words: string; field?: string } {
  const listed = namesIn(reason, listedName);
  const codes = namesIn(reason, listedCode);
  const start = reason.indexOf("[{");
  if (listed.length > 0 && start >= 0) {
    const what = `${codes.join(", ")} ${listed.join(", ")}`.trim();
    const words = withoutValues(`${reason.slice(0, start)}${what}”`);
    return { words, ...(listed[0] !== undefined && { field: listed[0] }) };
  }
  const field = fieldIn(reason);
  return { words: withoutValues(reason), ...(field !== undefined && { field }) };
}

function namesIn(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))].sort();
}

function fieldIn(reason: string): string | undefined {
  const label = /(?:“|; )([^“”:;]{1,80}): (?:bad value for restricted|data value too large)/.exec(
    reason,
  )?.[1];
  const required = /Required fields are missing: \[([^\],]+)/.exec(reason)?.[1];
  const quotedNames = [...reason.matchAll(/["']([^"']{1,80})["']/g)].map(([, name = ""]) => name);
  const word = /\b(?:\w+__c|hs_\w+|hubspot_\w+)\b/.exec(reason)?.[0];
  return label ?? required ?? quotedNames.find((name) => fieldName.test(name)) ?? word;
}

const replacements: readonly [RegExp, string][] = [
  [/,? ?correlation id [\w-]+/g, ""],
  [/\bpicklist field: .*?(?=”|; [A-Z_]+,|\)$|$)/gs, "picklist field: …"],
  [/\bvalue too large: .*?(?= \(max length)/gs, "value too large: …"],
  [
    /(?<=“|: |^)[^“”:]*? was not one of the allowed options(?:: \[[^\]]*\]?)?/g,
    "… was not one of the allowed options",
  ],
  [/[\w.*+-]+@[\w.*-]+/g, "…"],
  // A number that was masked when it was stored.
  [/\+?\w{0,20}\*{2,}\w{0,20}/g, "…"],
  [/\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi, "…"],
  [/\b(?=\w*\d)(?=\w*[A-Za-z])(?!\w*__c\b)(?!\w*_)\w{12,}\b/g, "…"],
  [/(?<![\w(])[+*]?\d[\d*.,:()/ -]*\d(?!\w)|(?<![\w(])\d(?!\w)/g, "…"],
];

function withoutValues(text: string): string {
  const quotes = text.replace(/"([^"]{0,600})"|'([^']{0,600})'(?!\w)/g, (whole, double, single) =>
    fieldName.test(String(double ?? single)) ? whole : "…",
  );
  return replacements.reduce((rest, [pattern, by]) => rest.replace(pattern, by), quotes).trim();
}
