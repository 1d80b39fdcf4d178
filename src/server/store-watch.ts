import { messageOf } from "../core/errors.ts";
import type { Flow } from "../flow/installation.ts";
import type { Loss } from "../store/contract.ts";

/** Long enough that a command that ends at once does not look. */
const firstLookMs = 10_000;
const lookEveryMs = 86_400_000;
const pullEveryMs = 60_000;
/** How long a loss is reported at every start. */
export const reportedForMs = 7 * 86_400_000;

/** A loss of webhooks, with the command that polls for them. */
export function lossText({ missing, since, until }: Loss): string {
  const from = since === undefined ? undefined : new Date(since).toISOString();
  const hours = `${from === undefined ? "until" : `between ${from} and`} ${new Date(until).toISOString()}`;
  const cure = `Ask the providers for them: switchhook reconcile --since ${from ?? "<the first of them>"}`;
  const some = missing === 1 ? "1 webhook that was" : `${missing} webhooks that were`;
  return `${some} acknowledged, received ${hours}, ${missing === 1 ? "is" : "are"} not in the database: its write-ahead log was lost or damaged, or a backup was restored. ${cure}`;
}

/** Reports damage to the store at the start and once a day. `version`: of the decoders. Returns how to stop. */
export function watchStore({ store, log, now }: Flow, version: string): () => void {
  const look = async (): Promise<void> => {
    const faults = await store.damage();
    if (faults.length === 0) return;
    const cure = await store.ready().then(() => undefined, messageOf);
    log.error({ faults }, `the store is damaged: ${cure ?? faults[0]}`);
  };
  /** A clock that was ahead has left times far in the future. */
  const pullBack = async (): Promise<void> => {
    for (const { what, count, furthest } of await store.pullBack(now()))
      log.warn(
        { what, count, furthest: new Date(furthest).toISOString() },
        "the clock of this machine was ahead: times later than any pause are set to now",
      );
  };
  const begin = async (): Promise<boolean> => {
    await pullBack();
    const again = await store.tryAgain(version);
    if (again > 0)
      log.info(
        { deliveries: again },
        "this version decodes deliveries again that could not be decoded before",
      );
    const losses = await store.losses(now() - reportedForMs);
    for (const loss of losses) log.error({ ...loss }, lossText(loss));
    return losses.length > 0;
  };
  let stopped = false;
  /** A check that a stop interrupted is no fault. */
  const failed = (err: unknown): void => {
    if (!stopped) log.error({ err }, "the store could not be checked");
  };

  const pulling = setInterval(() => void pullBack().catch(failed), pullEveryMs);
  let timer: NodeJS.Timeout | undefined;
  const lookAfter = (ms: number): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      void look()
        .catch(failed)
        .then(() => lookAfter(lookEveryMs));
    }, ms);
  };
  begin().then(
    (lost) => lookAfter(lost ? 0 : firstLookMs),
    (error: unknown) => {
      failed(error);
      lookAfter(firstLookMs);
    },
  );
  return () => {
    stopped = true;
    clearTimeout(timer);
    clearInterval(pulling);
  };
}
