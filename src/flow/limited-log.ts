import type { LimitedLog, Log, Severity } from "../core/runtime.ts";
import { type Limited, limitedTexts } from "../mapping/rendering.ts";
import type { Flow } from "./installation.ts";

const windowMs = 60_000;
const singleLines = 100;
/** Per sentence: what differs in status, installation, provider, CRM or class of error. */
const kindsPerSentence = 10;
const mostSentences = 50;
const kindsInSummary = 20;

const levels: readonly Severity[] = ["info", "warn", "error"];

/** Lines that only differ in words that a stranger may have chosen. */
type LineKind = {
  facts: object;
  sentence: string;
  level: Severity;
  /** How many were counted instead of logged. */
  times: number;
};

type LimitedLogOptions = {
  now: () => number;
  log: Log;
  /** Whether a word is the name of a known installation, provider or CRM; other names make no kinds of their own. */
  isName: (word: string) => boolean;
};

/**
 * A log for lines that a stranger can cause. Each minute, the first line of every kind and the first hundred of all are
 * logged; the others are counted, and one line at the end of the minute reports how many there were.
 */
export function createLimitedLog({ now, log, isName }: LimitedLogOptions): LimitedLog {
  const sentences = new Map<string, Map<string, LineKind>>();
  let startedAt = Number.NEGATIVE_INFINITY;
  let logged = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const counted = [...sentences.values()].flatMap((kinds) => [...kinds.values()]).filter(isCounted);
    sentences.clear();
    logged = 0;
    startedAt = now();
    if (counted.length > 0) logSummary(log, counted);
  };

  const write = (level: Severity, facts: object, sentence: string, singly: number): void => {
    // A clock that was set back starts a minute, too.
    if (Math.abs(now() - startedAt) >= windowMs) flush();
    const { kind, isNew } = kindOf(sentences, { level, sentence, facts: kindFacts(facts, isName) });
    if (!isNew && logged >= singly) {
      kind.times += 1;
      timer ??= setTimeout(flush, windowMs).unref();
      return;
    }
    if (singly > 0) logged += 1;
    log[level](facts, sentence);
  };

  return {
    info: (facts, sentence) => write("info", facts, sentence, singleLines),
    warn: (facts, sentence) => write("warn", facts, sentence, singleLines),
    error: (facts, sentence) => write("error", facts, sentence, singleLines),
    seldom: (level, facts, sentence) => write(level, facts, sentence, 0),
    flush,
  };
}

/** Beyond the limits, all further kinds of a sentence count as one, and so do all further sentences. */
function kindOf(
  sentences: Map<string, Map<string, LineKind>>,
  { level, sentence, facts }: Omit<LineKind, "times">,
): { kind: LineKind; isNew: boolean } {
  const isFull = !sentences.has(sentence) && sentences.size >= mostSentences;
  const place = isFull ? "other lines" : sentence;
  const kinds = sentences.get(place) ?? new Map<string, LineKind>();
  sentences.set(place, kinds);
  const own = isFull ? "" : JSON.stringify(facts);
  const key = kinds.has(own) || kinds.size < kindsPerSentence ? own : "";
  const known = kinds.get(key);
  if (known) return { kind: known, isNew: false };
  const kind = { level, sentence: place, facts: key === "" ? {} : facts, times: 0 };
  kinds.set(key, kind);
  return { kind, isNew: true };
}

/** Of the facts of a line, those that take few values. */
function kindFacts(facts: object, isName: (word: string) => boolean): object {
  const { status, err, ...words } = facts as Record<string, unknown>;
  const names = ["installation", "provider", "crm"].flatMap((fact) => {
    const word = words[fact];
    return typeof word === "string" && isName(word) ? [[fact, word]] : [];
  });
  return {
    ...(typeof status === "number" && { status }),
    ...Object.fromEntries(names),
    ...(err instanceof Error && { error: err.name.slice(0, 40) }),
  };
}

function isCounted({ times }: LineKind): boolean {
  return times > 0;
}

function logSummary(log: Log, counted: readonly LineKind[]): void {
  const level = levels.findLast((one) => counted.some((kind) => kind.level === one)) ?? "info";
  const lines = counted.reduce((sum, { times }) => sum + times, 0);
  const kinds = counted
    .toSorted((a, b) => b.times - a.times)
    .slice(0, kindsInSummary)
    .map(({ sentence, facts, times }) => ({ times, sentence, ...facts }));
  log[level]({ lines, kinds }, "lines of the last minute that were only counted");
}

/** Logs the fields that ran into a limit. Every call may run into it, so each field is logged seldom. */
export function logLimited({ limitedLog }: Flow, installation: string, limited: readonly Limited[]): void {
  for (const one of limited) {
    const [why] = limitedTexts([one]);
    limitedLog.seldom(
      "warn",
      { installation, field: one.field, limit: one.limit, why },
      `the mapping's text for ${one.field} ran into a limit; the field was left out, or got its else`,
    );
  }
}
