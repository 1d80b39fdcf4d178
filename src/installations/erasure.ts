import type { Store, StoredInstall } from "../store/contract.ts";

const dayMs = 86_400_000;
const warningMs = 7 * dayMs;

/**
 * `removedDays`: how long a removed account can come back. `quietMs`: how long requests may be under way after the removal.
 * `remove`: ends the work for an installation. `beforeErase`: erases what is stored of it elsewhere; repeated after a
 * crash.
 */
export type ErasureOptions = {
  store: Pick<Store, "installs" | "beginErasure" | "eraseInstallation">;
  now: () => number;
  removedDays: number;
  quietMs: number;
  remove: (name: string) => Promise<void>;
  beforeErase: (name: string) => Promise<void>;
  log: Record<"info" | "warn" | "error", (facts: object, sentence: string) => void>;
};

export type Erasure = {
  /** Erases the installations that are due, and continues an interrupted erasure. Never throws; one run at a time. */
  run(): Promise<void>;
  /** Erases a removed installation now, or continues. False when it was connected again, or another process works on it. */
  erase(install: StoredInstall, onProgress?: (rows: number) => void): Promise<boolean>;
  stop(): Promise<void>;
};

/**
 * When a removed installation will be erased, in milliseconds since 1970; undefined for an active one, and for one that only
 * lost its access (its tokens are still there): its calls wait until an administrator connects it again.
 */
export function erasedAt(
  { state, sealed, leftAt, updatedAt }: StoredInstall,
  removedDays: number,
): number | undefined {
  const isWaiting = state === "reconnect" && sealed !== undefined;
  return state === "active" || isWaiting ? undefined : (leftAt ?? updatedAt) + removedDays * dayMs;
}

/** Erases removed accounts after a grace period. */
export function createErasure(options: ErasureOptions): Erasure {
  const { store, now, removedDays, quietMs, remove, beforeErase, log } = options;
  const ending = new AbortController();
  const warned = new Set<string>();
  let running: Promise<void> | undefined;

  const finish = async (name: string, onProgress?: (rows: number) => void): Promise<boolean> => {
    await beforeErase(name);
    const { signal } = ending;
    return store.eraseInstallation(name, { signal, ...(onProgress && { onProgress }) });
  };

  const begin = ({ name, leftAt, updatedAt }: StoredInstall): Promise<boolean> =>
    store.beginErasure(name, leftAt ?? updatedAt, now());

  /** One that only lost its access has received webhooks until now: it is erased in the next run, when its last requests have ended. */
  const goOn = async (install: StoredInstall): Promise<void> => {
    const { name, state, crm } = install;
    if (state !== "erasing" && !(await begin(install))) return;
    await remove(name);
    const isQuiet = state === "removed" || (state === "erasing" && now() - install.updatedAt >= quietMs);
    if (isQuiet && (await finish(name)))
      log.info(
        { installation: name, crm },
        "an account that left is erased; connected again, it is a new installation",
      );
  };

  const look = async (install: StoredInstall): Promise<void> => {
    const at = erasedAt(install, removedDays);
    if (at === undefined) return;
    if (install.state === "erasing" || at <= now()) await goOn(install);
    else if (install.state === "reconnect" && at - now() <= warningMs) warn(install, at);
  };

  const warn = ({ name, crm, reason, leftAt }: StoredInstall, at: number): void => {
    const once = `${name} ${leftAt}`;
    if (warned.has(once)) return;
    warned.add(once);
    const facts = { installation: name, crm, reason, erasedAt: new Date(at).toISOString() };
    log.warn(
      facts,
      `the account is not connected, and everything stored of it will be erased, including the calls that wait; connect it again at /install/${crm}, or export it first`,
    );
  };

  const lookAtAll = async (): Promise<void> => {
    try {
      for (const install of await store.installs()) {
        if (ending.signal.aborted) return;
        await look(install).catch((err: unknown) =>
          log.error(
            { installation: install.name, err },
            "an account that left could not be erased; it is tried again in an hour",
          ),
        );
      }
    } catch (err) {
      log.error({ err }, "accounts that left could not be looked for; it is tried again in an hour");
    }
  };

  return {
    run() {
      running ??= lookAtAll().finally(() => {
        running = undefined;
      });
      return running;
    },
    async erase(install, onProgress) {
      if (install.state === "removed" && !(await begin(install))) return false;
      return finish(install.name, onProgress);
    },
    async stop() {
      ending.abort();
      await running;
    },
  };
}
