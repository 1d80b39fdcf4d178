import type { FieldValue, WriteMode } from "../../core/crm.ts";
import type { TrackedCall } from "../../core/tracked-call.ts";
import { isObject } from "../../lib/body.ts";
import { matchInIndex } from "../calls/match.ts";
import { recordOf, sentOf } from "../calls/record.ts";
import type { Flow, Installation } from "../installation.ts";
import type { Explanation } from "./explanation.ts";
import { changesOf, keptFields } from "./replay.ts";

/** A field of the activity: what the mapping makes of the call, what was sent, and what would be sent now. */
export type ActivityField = {
  field: string;
  /** Its value in the mapping file; absent for the contact and the owner, which no mapping sets. */
  mapping?: unknown;
  write: WriteMode;
  /** What the mapping gives now. */
  value?: FieldValue;
  /** What was written last. */
  sent?: FieldValue;
  /** A person changed it in the CRM, so it is left alone. */
  edited?: true;
  /** It would be written if the call were saved now. */
  pending?: true;
  /** Each time it was written. */
  written: { at: string; value: FieldValue; revision?: number }[];
};

/** The fields of a call's activity, those of the mapping first, in its order. */
export async function activityFields(
  flow: Flow,
  installation: Installation,
  { row, history, mapping }: { row: TrackedCall; history: Explanation["history"]; mapping: string },
): Promise<ActivityField[]> {
  const { lookup, contact } = await matchInIndex(flow, installation, row);
  const owners = await flow.store.owners(installation.settings.name);
  const { record } = recordOf(await flow.links(), installation, { row, lookup, contact, owners });
  const planned = new Map(changesOf(record, history).map((change) => [change.field, change]));
  const sources = sourcesIn(mapping);
  const values = sentOf(record);
  const written = writtenIn(history);
  const edited = new Set(keptFields(history));
  const names = new Set([...Object.keys(sources), ...Object.keys(values), ...written.keys()]);
  return [...names].map((field): ActivityField => {
    const value = Object.hasOwn(values, field) ? values[field] : undefined;
    const times = written.get(field) ?? [];
    const sent = times.at(-1)?.value;
    return {
      field,
      ...(Object.hasOwn(sources, field) && { mapping: sources[field] }),
      write: (Object.hasOwn(record.modes, field) && record.modes[field]) || "always",
      ...(value !== undefined && { value }),
      ...(sent !== undefined && { sent }),
      ...(edited.has(field) && { edited: true }),
      ...(planned.has(field) && !edited.has(field) && { pending: true }),
      written: times,
    };
  });
}

function sourcesIn(mapping: string): Record<string, unknown> {
  const whole: unknown = JSON.parse(mapping);
  const activity = isObject(whole) ? whole["activity"] : undefined;
  return isObject(activity) ? activity : {};
}

function writtenIn(history: Explanation["history"]): Map<string, ActivityField["written"]> {
  const written = new Map<string, ActivityField["written"]>();
  for (const { at, detail } of history) {
    const { wrote, revision } = detail;
    if (!isObject(wrote)) continue;
    for (const [field, value] of Object.entries(wrote)) {
      const times = written.get(field) ?? [];
      times.push({
        at,
        value: value as FieldValue,
        ...(typeof revision === "number" && { revision }),
      });
      written.set(field, times);
    }
  }
  return written;
}
