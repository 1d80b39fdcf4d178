import { callStates, followUpStates } from "../core/tracked-call.ts";

/** What the answers look like, as JSON Schema. Absent = unknown; times are ISO 8601 in UTC. */
const text = { type: "string" } as const;
const whole = { type: "integer" } as const;
const time = { type: "string", format: "date-time" } as const;
const anything = { type: "object" } as const;

const object = <P extends object>(properties: P, required: readonly (keyof P & string)[] = []) => ({
  type: "object",
  properties,
  ...(required.length > 0 && { required }),
});
const list = (items: object) => ({ type: "array", items });

const state = { enum: callStates };
const party = object({ number: text, name: text });
const contact = object({ id: text, kind: { enum: ["contact", "lead", "company"] }, name: text }, [
  "id",
  "kind",
]);
const fault = object({ at: text, problem: text, cure: text }, ["at", "problem"]);

const event = object(
  {
    callId: text,
    sameCallAs: text,
    at: time,
    asked: { type: "boolean" },
    kind: text,
    phase: text,
    deliveries: list(whole),
  },
  ["callId", "at", "kind", "deliveries"],
);

const delivery = object(
  {
    id: whole,
    installation: text,
    provider: text,
    receivedAt: time,
    method: text,
    url: text,
    kind: text,
    state: { enum: ["new", "decoded", "fault"] },
    fault: text,
    events: whole,
    repeats: whole,
  },
  ["id", "installation", "provider", "receivedAt", "method", "url", "state", "events", "repeats"],
);

const callSummary = object(
  {
    key: text,
    installation: text,
    provider: text,
    state,
    phase: { enum: ["ringing", "answered", "ended"] },
    attempts: whole,
    revision: whole,
    direction: { enum: ["inbound", "outbound", "internal"] },
    outcome: text,
    customer: party,
    number: text,
    line: text,
    startedAt: time,
    talkSeconds: { type: "number" },
    reason: text,
    contact,
    ownerId: text,
    activityId: text,
    nextTryAt: time,
    createdAt: time,
    updatedAt: time,
  },
  ["key", "installation", "provider", "state", "phase", "attempts", "revision", "createdAt", "updatedAt"],
);

const answer = object(
  {
    at: time,
    foundBy: text,
    agentId: text,
    reject: { type: "boolean" },
    why: text,
    lookup: text,
    variables: anything,
    limited: list(text),
  },
  ["at", "foundBy", "why", "lookup", "variables"],
);

const explanation = object(
  {
    key: text,
    state,
    status: text,
    nextTryAt: time,
    attempts: whole,
    activityId: text,
    contact: object({ number: text, lookup: text, reason: text, chosen: contact, runnersUp: list(contact) }, [
      "lookup",
      "runnersUp",
    ]),
    owner: object({ id: text, name: text, why: text }, ["why"]),
    agent: text,
    followUp: object(
      {
        state: { enum: followUpStates },
        taskId: text,
        reachedBy: text,
        reason: text,
      },
      ["state"],
    ),
    answer,
    merged: list(object({ key: text, activityId: text }, ["key"])),
    mergedInto: text,
    limited: text,
  },
  ["key", "state", "status", "attempts", "contact", "merged"],
);

const shown = { description: "The first 2,000 characters, with … at their end when there are more." };

const change = object(
  {
    field: text,
    before: shown,
    after: shown,
    cut: { const: true, description: "Only the beginning of `before`, `after` or both is shown." },
    write: { enum: ["always", "if-empty", "once"] },
  },
  ["field", "write"],
);

/** A field whose text runs into a limit. */
const limited = object({ field: text, why: text }, ["field", "why"]);

const lostWebhooks = object({ asked: { type: "boolean" }, why: text, askedAt: time }, ["asked"]);

const installation = object(
  {
    name: text,
    crm: text,
    region: text,
    timeZone: text,
    connection: object({ account: text, state: text, reason: text, erasedAt: time }, ["account", "state"]),
    features: list(object({ feature: text, on: { type: "boolean" }, why: text }, ["feature", "on"])),
    providers: list(
      object({ id: text, label: text, methods: list(text), webhook: text, lostWebhooks }, [
        "id",
        "webhook",
        "lostWebhooks",
      ]),
    ),
    calls: { type: "object", additionalProperties: whole },
    oldestDueAt: time,
    contacts: object({ indexed: whole, syncedAt: time }, ["indexed"]),
  },
  ["name", "crm", "region", "timeZone", "providers", "calls", "contacts"],
);

/** `erasedAt`: until then it can be exported, and its account connected again as it was. */
const removedInstallation = object(
  {
    name: text,
    crm: text,
    account: text,
    state: { enum: ["removed", "erasing"] },
    leftAt: time,
    erasedAt: time,
  },
  ["name", "crm", "state", "erasedAt"],
);

export const schemas = {
  Problem: object({ error: text, faults: list(fault) }, ["error"]),
  Health: object({ ok: { type: "boolean" }, error: text }, ["ok"]),
  CallSummary: callSummary,
  CallDetail: object(
    {
      call: anything,
      events: list(event),
      explanation,
      deliveries: list(delivery),
      history: list(object({ at: time, step: text, detail: anything }, ["at", "step", "detail"])),
    },
    ["call", "events", "explanation", "deliveries", "history"],
  ),
  Retried: object({ key: text, state }, ["key", "state"]),
  Delivery: delivery,
  Installation: installation,
  RemovedInstallation: removedInstallation,
  Disconnected: object({ disconnected: text, export: text, exportUntil: time }, ["disconnected", "export"]),
  Mapping: object({ file: text, builtIn: { type: "boolean" }, mapping: anything, text }, [
    "file",
    "builtIn",
    "text",
  ]),
  MappingChange: object(
    {
      saved: { type: "boolean" },
      file: text,
      calls: list(
        object({ key: text, activityId: text, changes: list(change), limited: list(limited) }, [
          "key",
          "changes",
        ]),
      ),
      stopped: { type: "string", description: "Why fewer than the latest 20 calls are shown." },
    },
    ["saved", "file", "calls"],
  ),
  LiveCall: object({ key: text, installation: text, state, phase: text, revision: whole }, [
    "key",
    "installation",
    "state",
    "revision",
  ]),
};
