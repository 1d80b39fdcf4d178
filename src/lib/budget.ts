import { CrmError } from "../core/errors.ts";

/** The order of priority: an answer for a waiting caller, then matching, logging, and syncing the index. */
const priorities = ["answer", "match", "deliver", "sync"] as const;
export type Priority = (typeof priorities)[number];

/** At most `limit` requests in any `perMs`; at most `atOnce` under way. The CRM's headers override both figures. */
export type BudgetOptions = {
  name: string;
  limit: number;
  perMs: number;
  atOnce: number;
  now: () => number;
  /** The part of the limit that this process may use, from 0 (nothing now) to 1. */
  share?: (() => number) | undefined;
};

/** A CRM's own limit. `remaining`: requests left in the window for all users of the account. */
type Quota = {
  limit?: number | undefined;
  remaining?: number | undefined;
  perMs?: number | undefined;
};

/** The requests that one CRM account still takes, shared by all work for it. */
export type Budget = {
  /** Waits for its turn; call the result when the request has ended. Throws `CrmError("later")` when the wait is long. */
  spend(priority: Priority, signal?: AbortSignal): Promise<() => void>;
  learn(quota: Quota): void;
  /** The CRM asks for a pause: only answers may send requests before `until` (ms). */
  pause(until: number, reason: string): void;
  /** Requests that could be sent now, and the end of a pause. */
  state(): { free: number; pausedUntil: number };
};

type Waiter = {
  since: number;
  go: (done: () => void) => void;
  refuse: (error: CrmError) => void;
  signal?: AbortSignal;
};

/** A request counts for a window of time from when it reached the CRM at the latest. */
type SentRequest = { at: number };

/** A longer pause is not waited for: the work is retried later and holds nothing meanwhile. */
const longestHoldMs = 12_000;
/** Syncing the index leaves this share of the requests to other work. */
const shareOfSync = 0.7;
/** Other work waits for answers this long; then one of its requests goes first. */
const longestAfterAnswersMs = 2_000;
/** For this long after an answer, other work leaves room for another one. */
const roomForAnswersMs = 60_000;

export function createBudget({ name, atOnce, now, share = () => 1, ...first }: BudgetOptions): Budget {
  let { limit, perMs } = first;
  let sent: SentRequest[] = [];
  let running = 0;
  const unpaused = { from: Number.NEGATIVE_INFINITY, until: Number.NEGATIVE_INFINITY, reason: "" };
  let paused = unpaused;
  let lastAnswer = Number.NEGATIVE_INFINITY;
  let lastAnswerSent = Number.NEGATIVE_INFINITY;
  let lastOtherSent = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const waiting: Record<Priority, Waiter[]> = { answer: [], match: [], deliver: [], sync: [] };

  const roomFor = (priority: Priority): number => {
    const own = Math.max(1, Math.floor(limit * share()));
    if (priority === "answer") return own;
    const spared = now() - lastAnswer < roomForAnswersMs ? 1 : 0;
    return Math.max(1, (priority === "sync" ? Math.floor(own * shareOfSync) : own) - spared);
  };

  const mayGo = (priority: Priority): boolean => {
    if (share() === 0) return false;
    if (priority === "answer") return sent.length < roomFor(priority);
    return now() >= paused.until && running < atOnce && sent.length < roomFor(priority);
  };

  /** Requests take different times to arrive: two that left far enough apart may arrive too close together. */
  const marginMs = (): number => Math.min(100, perMs * 0.03);

  /** A share of less than one request is one in a longer time. */
  const windowMs = (): number => perMs / Math.min(1, limit * share() || 1);

  const forget = (): void => {
    const start = now() - windowMs() - marginMs();
    // A clock that was set back must not block requests.
    if (now() < paused.from) paused = unpaused;
    sent = sent.filter(({ at }) => at > start && at <= now());
  };

  const send = (waiter: Waiter): void => {
    let over = false;
    const request = { at: now() };
    sent.push(request);
    running += 1;
    waiter.go(() => {
      if (over) return;
      over = true;
      running -= 1;
      // It may have arrived as late as now, for example because it had to connect first.
      request.at = Math.max(request.at, now());
      pump();
    });
  };

  const sendNext = (priority: Priority): void => {
    const waiter = waiting[priority].shift();
    if (!waiter) return;
    if (priority === "answer") lastAnswerSent = now();
    else lastOtherSent = now();
    send(waiter);
  };

  /** Answers that never cease must not keep all other work from its turn. */
  const sendOverdue = (): void => {
    const at = now();
    const isLongAgo = (time: number): boolean => time < at - longestAfterAnswersMs || time > at;
    const overdue = priorities.slice(1).find((priority) => {
      const [first] = waiting[priority];
      return first && isLongAgo(first.since) && lastAnswerSent >= first.since;
    });
    if (overdue && isLongAgo(lastOtherSent) && at >= paused.until && running < atOnce && mayGo("answer"))
      sendNext(overdue);
  };

  const pump = (): void => {
    forget();
    sendOverdue();
    for (const priority of priorities) {
      while (waiting[priority].length > 0 && mayGo(priority)) sendNext(priority);
    }
    schedule();
  };

  const schedule = (): void => {
    clearTimeout(timer);
    if (priorities.every((priority) => waiting[priority].length === 0)) return;
    // The end of a request lets the next one in.
    const freed = sent.map(({ at }) => at + windowMs() + marginMs());
    const next = Math.min(...[...freed, paused.until].filter((at) => at > now()), now() + perMs);
    timer = setTimeout(pump, Math.max(1, next - now()));
  };

  const refusal = (): CrmError => {
    const afterMs = Math.max(0, paused.until - now());
    const until = new Date(paused.until).toISOString();
    return new CrmError("later", `${paused.reason}; it is asked again at ${until}`, { afterMs });
  };

  return {
    spend(priority, signal) {
      if (signal?.aborted) return Promise.reject(stoppedWaiting(name, signal));
      forget();
      if (priority === "answer") lastAnswer = now();
      else if (paused.until - now() > longestHoldMs) return Promise.reject(refusal());
      return new Promise((go, refuse) => {
        const waiter: Waiter = { since: now(), go, refuse, ...(signal && { signal }) };
        const leave = () => {
          const place = waiting[priority].indexOf(waiter);
          if (place < 0) return;
          waiting[priority].splice(place, 1);
          refuse(stoppedWaiting(name, signal));
        };
        signal?.addEventListener("abort", leave, { once: true });
        waiter.go = (done) => {
          signal?.removeEventListener("abort", leave);
          go(done);
        };
        waiting[priority].push(waiter);
        pump();
      });
    },
    learn(quota) {
      limit = quota.limit !== undefined && quota.limit > 0 ? quota.limit : limit;
      perMs = quota.perMs !== undefined && quota.perMs > 0 ? quota.perMs : perMs;
      forget();
      // Other applications use the same account: their requests count, too.
      const others = quota.remaining === undefined ? 0 : limit - quota.remaining - sent.length;
      for (let i = 0; i < others; i += 1) sent.push({ at: now() });
    },
    pause(until, reason) {
      forget();
      if (until <= paused.until) return;
      paused = { from: now(), until, reason };
      if (until - now() > longestHoldMs) {
        for (const priority of priorities.slice(1)) {
          for (const waiter of waiting[priority].splice(0)) waiter.refuse(refusal());
        }
      }
      schedule();
    },
    state() {
      forget();
      return { free: Math.max(0, limit - sent.length), pausedUntil: paused.until };
    },
  };
}

function stoppedWaiting(name: string, signal: AbortSignal | undefined): CrmError {
  return new CrmError("later", `${name} was not asked: the answer is no longer needed`, {
    cause: signal?.reason,
  });
}
