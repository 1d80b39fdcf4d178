import { numbersOf } from "../../core/contact.ts";
import { identityOf } from "../../core/phone.ts";
import { createPace } from "../../lib/pace.ts";
import type { Flow, Installation } from "../installation.ts";
import { matchableMs } from "./index-contacts.ts";

/** Of the rules in `core/phone.ts`: increase it when they read a number differently than before. */
const rulesVersion = 2;
/** Rows in one transaction, and milliseconds without a pause: few enough that an inbound call never waits for them. */
const rowsAtOnce = 50;
const stretchMs = 1;
const progressEveryMs = 5_000;

/** The version of the rules that numbers of a region are read by. */
export function numberingFor(region: string): string {
  return `${rulesVersion} ${region}`;
}

/**
 * Stores the identities of contacts and calls again after the rules or the installation's region have changed. Runs once
 * per change, beside all other work; after a stop it starts over and passes finished rows quickly. Until it is done, a
 * caller who is not found in the index is looked up in the CRM. Returns how many unmatched calls became due.
 */
export async function renumber(
  flow: Flow,
  { settings: { name, region } }: Pick<Installation, "settings">,
  signal?: AbortSignal,
): Promise<number> {
  const { store, log } = flow;
  const version = numberingFor(region);
  if ((await store.numbering(name)) === version) return 0;
  const total = await store.countContacts(name);
  const pace = createPace(stretchMs);
  const options = () => ({ now: flow.now(), matchSince: flow.now() - matchableMs });
  let [matched, read, changed, loggedAt] = [0, 0, 0, flow.now()];
  const logProgress = (sentence: string) =>
    log.info({ installation: name, contacts: read, of: total, changed }, sentence);

  let contacts = await store.numberedContacts(name, undefined, rowsAtOnce);
  for (
    ;
    contacts.length > 0;
    contacts = await store.numberedContacts(name, contacts.at(-1)?.ref, rowsAtOnce)
  ) {
    if (signal?.aborted) return matched;
    const wrong = contacts
      .map(({ ref, phones, indexed }) => ({ ref, was: indexed, numbers: numbersOf({ phones }, region) }))
      .filter(({ was, numbers }) => was.join() !== numbers.join());
    if (wrong.length > 0) matched += await store.renumberContacts(name, wrong, options());
    read += contacts.length;
    changed += wrong.length;
    if (flow.now() - loggedAt > progressEveryMs) {
      loggedAt = flow.now();
      logProgress("the contact index is being renumbered");
    }
    await pace();
  }
  let calls = await store.numberedCalls(name, 0, rowsAtOnce);
  for (; calls.length > 0; calls = await store.numberedCalls(name, calls.at(-1)?.id ?? 0, rowsAtOnce)) {
    if (signal?.aborted) return matched;
    const wrong = calls.flatMap(({ id, raw, number: was }) => {
      const number = identityOf(raw, region);
      return was === number ? [] : [{ id, ...(was && { was }), ...(number && { number }) }];
    });
    if (wrong.length > 0) matched += await store.renumberCalls(name, wrong, options());
    await pace();
  }
  await renumberAnswers(flow, name, region, signal);
  if (signal?.aborted) return matched;
  await store.saveNumbering(name, version);
  if (changed > 0) logProgress("the contact index was renumbered");
  return matched;
}

async function renumberAnswers(
  { store }: Flow,
  name: string,
  region: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  let numbers = await store.answerNumbers(name, "", rowsAtOnce);
  for (; numbers.length > 0; numbers = await store.answerNumbers(name, numbers.at(-1) ?? "", rowsAtOnce)) {
    if (signal?.aborted) return;
    const wrong = numbers.flatMap((was) => {
      const number = identityOf(was, region);
      return number === undefined || number === was ? [] : [{ was, number }];
    });
    if (wrong.length > 0) await store.renumberAnswers(name, wrong);
  }
}
