import type { Flow } from "../flow/installation.ts";
import type { RefusedWebhooks } from "../store/contract.ts";

/** Many refusals are written together, this long after the first. */
const writeAfterMs = 2_000;

export type RefusalNotes = ReturnType<typeof createRefusalNotes>;

/** Remembers which webhooks were refused, for the people who set providers up. A flood of them costs a write in two seconds. */
export function createRefusalNotes({ store, now, limitedLog }: Pick<Flow, "store" | "now" | "limitedLog">) {
  let pending = new Map<string, RefusedWebhooks>();
  let timer: NodeJS.Timeout | undefined;

  const write = async (): Promise<void> => {
    timer = undefined;
    const noted = [...pending.values()];
    pending = new Map();
    try {
      if (noted.length > 0) await store.noteRefusals(noted);
    } catch (error) {
      limitedLog.seldom("warn", { err: error }, "refused webhooks could not be noted");
    }
  };

  return {
    note({ installation, provider, status, reason }: Omit<RefusedWebhooks, "count" | "lastAt">): void {
      const key = `${installation} ${provider} ${status}`;
      const count = (pending.get(key)?.count ?? 0) + 1;
      pending.set(key, { installation, provider, status, reason, count, lastAt: now() });
      timer ??= setTimeout(() => void write(), writeAfterMs).unref();
    },
    /** Writes what is left. */
    async stop(): Promise<void> {
      clearTimeout(timer);
      await write();
    },
  };
}
