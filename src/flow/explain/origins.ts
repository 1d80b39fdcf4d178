import type { Call, CallEvent } from "../../core/call.ts";
import { canonical } from "../../core/fold.ts";
import type { CallGroup } from "../../store/contract.ts";

/** An event that states a fact. `delivery`: the id of its webhook. */
type FactSource = { at: string; kind: string; delivery?: number };

/** A fact of a call, and the events that it comes from. */
export type FactOrigin = {
  name: string;
  value: unknown;
  /** Events that state this value; none for a conclusion from several events. */
  from: FactSource[];
  /** Other values that events state, which do not count. */
  overruled: { value: unknown; from: FactSource[] }[];
};

/** Facts that the fold builds from parts of many events have no single origin. */
const composed: ReadonlySet<string> = new Set([
  "callId",
  "legs",
  "key",
  "installation",
  "provider",
  "revision",
]);

type StatedEvent = { event: CallEvent; delivery: number | undefined };

/** Where each fact of a call comes from: which events state its value, and which state another. */
export function originsOf({ row, events, from }: CallGroup): FactOrigin[] {
  const statements = events
    .map((event, i) => ({ event, delivery: from[i] }))
    .sort(({ event: a }, { event: b }) => (a.at < b.at ? -1 : Number(a.at > b.at)));
  return Object.entries(shownFacts(row.call)).flatMap(([name, value]): FactOrigin[] =>
    composed.has(name) || value === undefined ? [] : [originOf(name, value, statements)],
  );
}

/** Without the provider's link to the recording, which may be a credential. */
function shownFacts({ recording, ...call }: Call): Record<string, unknown> {
  const { ref: _, ...rest } = recording ?? { ref: "" };
  return { ...call, ...(recording && { recording: { ...rest, available: true } }) };
}

function originOf(name: string, value: unknown, statements: readonly StatedEvent[]): FactOrigin {
  const text = canonical(value);
  // A call passes through its phases: an earlier one is not overruled.
  const isStage = name === "phase";
  const supporting: FactSource[] = [];
  const others = new Map<string, { value: unknown; from: FactSource[] }>();
  for (const statement of statements) {
    const stated = statedBy(statement.event, name);
    if (stated === undefined) continue;
    if (agrees(name, stated, value, text)) {
      supporting.push(sourceOf(statement));
      continue;
    }
    if (isStage) continue;
    const key = canonical(stated);
    const other = others.get(key) ?? { value: stated, from: [] };
    other.from.push(sourceOf(statement));
    others.set(key, other);
  }
  return { name, value, from: supporting, overruled: [...others.values()] };
}

function statedBy({ facts, phase }: CallEvent, name: string): unknown {
  if (name === "phase") return phase;
  if (name === "recording") return facts.recording && { available: true };
  return (facts as Record<string, unknown>)[name];
}

/** A fact with members agrees with each event that states a part of it. */
function agrees(name: string, stated: unknown, value: unknown, text: string): boolean {
  if (canonical(stated) === text || name === "recording" || name === "agents" || name === "custom")
    return true;
  if (typeof stated !== "object" || stated === null || typeof value !== "object" || value === null)
    return false;
  const known = value as Record<string, unknown>;
  return Object.entries(stated).every(([member, part]) => canonical(part) === canonical(known[member]));
}

function sourceOf({ event: { at, kind }, delivery }: StatedEvent): FactSource {
  return { at, kind, ...(delivery !== undefined && { delivery }) };
}
