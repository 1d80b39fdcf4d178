import { numbersOf } from "../../core/contact.ts";
import { identityOf } from "../../core/phone.ts";
import { createPace } from "../../lib/pace.ts";
import type { Flow, Installation } from "../installation.ts";
import { matchableMs } from "./index-contacts.ts";

/** Of the rules in `core/phone.ts`: raise it when they read a number in another way than before. */
const rulesVersion = 2;
/** Rows in one transaction: few enough that an inbound call never waits for it. */
const rowsAtOnce = 200;
const progressEveryMs = 5_000;

/**
 * Finds contacts and calls by the identities of today, when the rules for them or the installation's region have
 * changed. Runs once for each change, beside all other work; stopped, it starts over and passes what is done already
 * quickly. Until then a caller who is not found in the index is looked for in the CRM. Returns how many unmatched
 * calls became due.
 */
export async function renumber(
  flow: Flow,
  { settings: { name, region } }: Pick<Installation, "settings">,
  signal?: AbortSignal,
): Promise<number> {
  const { store, log } = flow;
  const version = `${rulesVersion} ${region}`;
  if ((await store.numbering(name)) === version) return 0;
  const total = await store.countContacts(name);
  const pace = createPace();
  const options = () => ({ now: flow.now(), matchSince: flow.now() - matchableMs });
  let [matched, read, changed, toldAt] = [0, 0, 0, flow.now()];
  const tell = (sentence: string) =>
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
    if (flow.now() - toldAt > progressEveryMs) {
      toldAt = flow.now();
      tell("the contact index is being renumbered");
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
  if (changed > 0) tell("the contact index was renumbered");
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
