import { type Call, type CallEvent, callKey } from "../../core/call.ts";
import type { Owner } from "../../core/contact.ts";
import type { CallRecord, FieldValue } from "../../core/crm.ts";
import { foldCall } from "../../core/customer.ts";
import { messageOf } from "../../core/errors.ts";
import { identityOf } from "../../core/phone.ts";
import type { Provider } from "../../core/provider.ts";
import { withoutUnwanted } from "../../core/recording.ts";
import type { CallLinks } from "../../core/runtime.ts";
import type { TrackedCall } from "../../core/tracked-call.ts";
import { createPace } from "../../lib/pace.ts";
import type { CallGroup, ReplayScope, Step, StoredDelivery } from "../../store/contract.ts";
import { legsOf } from "../calls/gather.ts";
import { matchInIndex } from "../calls/match.ts";
import { ownLines } from "../calls/own-lines.ts";
import { readDelivery } from "../calls/read-delivery.ts";
import { recordOf, sentOf } from "../calls/record.ts";
import type { Flow, Installation } from "../installation.ts";

/** A field of an activity. */
export type PlannedChange = {
  field: string;
  /** What we wrote last. */
  from?: FieldValue;
  /** What we would write now. */
  to: FieldValue;
  /** A person changed it, so it stays. */
  kept?: true;
};

export type PlannedCall = {
  key: string;
  /** `new`: it is not in the CRM yet. `left`: nothing would be sent, and `why`. */
  plan: "changed" | "unchanged" | "new" | "left";
  why?: string;
  changes: PlannedChange[];
};

/** A page of the plan. */
export type ReplayPage = {
  /** The ids to mark, including deliveries of these calls outside of the scope. */
  deliveries: number[];
  calls: PlannedCall[];
  unreadable: { delivery: number; reason: string }[];
  /** The deliveries of each call that is in the store, by its key. */
  byCall: ReadonlyMap<string, readonly number[]>;
};

/** What to plan, and how many deliveries a page begins with. */
export type ReplayPlan = Omit<ReplayScope, "installation"> & { atOnce?: number };

type Providers = Readonly<Record<string, Provider>>;
type Decoded = { events: CallEvent[]; unreadable: ReplayPage["unreadable"] };

const pageSize = 200;

/**
 * What replaying a scope would change: raw deliveries decoded again, folded, and mapped with the mapping in use, compared
 * with what the CRM got. Reads page by page, writes nothing and sends no request to the CRM: a caller who is not in the
 * index counts as unknown here.
 */
export async function* planReplay(
  flow: Flow,
  installation: Installation,
  providers: Providers,
  { atOnce = pageSize, ...scope }: ReplayPlan,
): AsyncGenerator<ReplayPage> {
  const { name } = installation.settings;
  const planned = new Set<string>();
  for (let after = 0; ; ) {
    const page = await flow.store.deliveriesIn({ ...scope, installation: name }, after, atOnce);
    const last = page.at(-1);
    if (!last) return;
    after = last.id;
    yield await planPage(flow, installation, providers, { page, planned });
  }
}

async function planPage(
  flow: Flow,
  installation: Installation,
  providers: Providers,
  { page, planned }: { page: readonly StoredDelivery[]; planned: Set<string> },
): Promise<ReplayPage> {
  const ids = new Set(page.map(({ id }) => id));
  const calls: PlannedCall[] = [];
  const unreadable: ReplayPage["unreadable"] = [];
  const byCall = new Map<string, readonly number[]>();
  const pace = createPace();
  for (const provider of new Set(page.map((delivery) => delivery.provider))) {
    const decoded = decodeAgain(
      providers,
      page.filter((delivery) => delivery.provider === provider),
    );
    unreadable.push(...decoded.unreadable);
    const legs = new Set(decoded.events.flatMap(legsOf));
    const wanted = [...legs].map((callId) => ({ provider, callId }));
    const groups = await flow.store.groupsOf(installation.settings.name, wanted);
    const known = { links: await flow.links(), owners: await flow.store.owners(installation.settings.name) };
    for (const group of groups) {
      if (planned.has(group.row.call.key)) continue;
      planned.add(group.row.call.key);
      const all = await deliveriesOf(flow, group.row);
      for (const { id } of all) ids.add(id);
      byCall.set(
        group.row.call.key,
        all.map(({ id }) => id),
      );
      const again = decodeAgain(providers, all).events;
      calls.push(await planCall(flow, installation, { ...group, again }, known));
      await pace();
    }
    const decodedBefore = new Set(groups.flatMap(({ row }) => row.call.legs));
    for (const { callId } of decoded.events) {
      const key = callKey(installation.settings.name, provider, callId);
      if (decodedBefore.has(callId) || planned.has(key)) continue;
      planned.add(key);
      calls.push({ key, plan: "new", why: "its deliveries could not be decoded before", changes: [] });
    }
  }
  return { deliveries: [...ids], calls, unreadable, byCall };
}

function decodeAgain(providers: Providers, deliveries: readonly StoredDelivery[]): Decoded {
  const decoded: Decoded = { events: [], unreadable: [] };
  for (const delivery of deliveries) {
    const provider = Object.hasOwn(providers, delivery.provider) ? providers[delivery.provider] : undefined;
    try {
      decoded.events.push(...readDelivery(provider, delivery).events);
    } catch (error) {
      decoded.unreadable.push({ delivery: delivery.id, reason: messageOf(error) });
    }
  }
  return decoded;
}

/** All raw deliveries of a call: replaying a part of them would fold new events with old ones. */
async function deliveriesOf({ store }: Flow, { call }: TrackedCall): Promise<StoredDelivery[]> {
  const all: StoredDelivery[] = [];
  for (let after = 0; ; ) {
    const page = await store.deliveriesIn({ key: call.key }, after, pageSize);
    const last = page.at(-1);
    if (!last) return all;
    all.push(...page);
    after = last.id;
  }
}

async function planCall(
  flow: Flow,
  installation: Installation,
  { row, events, again }: CallGroup & { again: readonly CallEvent[] },
  { links, owners }: { links: CallLinks; owners: readonly Owner[] },
): Promise<PlannedCall> {
  const { key, provider, revision } = row.call;
  const { region, name } = installation.settings;
  // The stored events count, too, as they do in the lane: some of their deliveries may have been purged.
  const all = [...events, ...again];
  const { own } = await ownLines(flow, installation, provider, all);
  const folded = withoutUnwanted(installation.settings, foldCall(all, own));
  const call: Call = { ...folded, key, installation: name, provider, revision };
  const why = whyLeft(installation, row, call);
  if (why !== undefined) return { key, plan: "left", why, changes: [] };
  const fresh = refolded(row, call, identityOf(call.customer?.number, region));
  const { lookup, contact } = await matchInIndex(flow, installation, fresh);
  const { record } = recordOf(links, installation, { row: fresh, lookup, contact, owners });
  const history = row.activityId === undefined ? [] : await flow.store.history(row.id);
  const changes = changesOf(record, history);
  if (row.activityId === undefined) return { key, plan: "new", changes };
  return { key, plan: changes.some(({ kept }) => !kept) ? "changed" : "unchanged", changes };
}

function whyLeft({ settings }: Installation, row: TrackedCall, call: Call): string | undefined {
  if (row.state === "gone") return "a person deleted its activity in the CRM";
  if (row.state === "merged") return "a transfer merged it into another call";
  if (row.activityId !== undefined) return undefined;
  if (call.direction === "internal" && !settings.logInternalCalls) return "an internal call";
  return call.phase === "ended" ? undefined : "it is not over yet";
}

/** As decoding leaves it: a call with another customer's number is matched again. */
function refolded(row: TrackedCall, call: Call, number: string | undefined): TrackedCall {
  const { number: before, contact, decision, ...rest } = row;
  const hasOther = before !== undefined && number !== undefined && before !== number;
  return {
    ...rest,
    call,
    ...(number !== undefined && { number }),
    ...(contact && !hasOther && { contact }),
    ...(decision && !hasOther && { decision }),
  };
}

/** What saving a record would change, as far as that is known without the CRM. */
export function changesOf(record: CallRecord, history: readonly Pick<Step, "detail">[]): PlannedChange[] {
  const { modes, ours, activityId } = record;
  const kept = keptFields(history);
  return Object.entries(sentOf(record)).flatMap(([field, to]): PlannedChange[] => {
    const from = Object.hasOwn(ours, field) ? ours[field]?.at(-1) : undefined;
    const mode = Object.hasOwn(modes, field) ? modes[field] : "always";
    if (activityId !== undefined && (mode === "once" || (mode === "if-empty" && from !== undefined)))
      return [];
    // CRMs return numbers and booleans as text.
    if (from !== undefined && String(from) === String(to)) return [];
    return [{ field, to, ...(from !== undefined && { from }), ...(kept.includes(field) && { kept: true }) }];
  });
}

/** The fields that the CRM's last answer left to the person who changed them. */
export function keptFields(history: readonly Pick<Step, "detail">[]): readonly string[] {
  const last = history.findLast(({ detail }) => Object.hasOwn(detail, "activity"));
  const kept = last?.detail["kept"];
  return Array.isArray(kept) ? kept.filter((name) => typeof name === "string") : [];
}
