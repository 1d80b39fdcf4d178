import { Rejected } from "../../src/core/errors.ts";

/** Something that reads text of strangers. `at`: makes an input of about so many characters; what it returns reads it. */
export type Probe = { name: string; at: (length: number) => () => unknown };

/** At this length a look at every pair of characters takes a hundred times as long as one at every character. */
const screenLength = 10_000;
/** Both are shorter than the length to which texts are cut, behind which the square of a length would not show. */
const usual = [2_000, 8_000] as const;
/** Walks over the text that a linear reader may be worth: it may build, compare and copy many times. */
const walks = 300;

/**
 * The probes whose time grows faster than the length of their input, each with its figures. All are measured once by the
 * clock, against a walk over as many characters. Those that take suspiciously long are measured again by what this thread
 * computes, since the clock also counts what else a busy machine does.
 */
export function superlinear(probes: Iterable<Probe>): string[] {
  const most = fastest(() => walk("x".repeat(screenLength), walks), 5);
  const suspects = [...probes].filter(({ at }) => {
    const run = at(screenLength);
    return fastest(run, 1) > most && fastest(run, 3) > most;
  });
  return suspects.flatMap((probe) => growth(probe, usual, most) ?? []);
}

/** How many times the work of an honest reader may take: it parses once, and looks at each field several times. */
const mostWork = 15;

/** The probes that take far longer for so many characters than it takes to parse an honest body of that length. */
export function slow(probes: Iterable<Probe>, length: number): string[] {
  const word = '{"word":"hello ","start":1.234,"end":2.345},';
  const honest = `[${word.repeat(length / word.length)}1]`;
  const parse = () => JSON.parse(honest);
  const most = mostWork * fastest(parse, 5);
  return [...probes].flatMap(({ name, at }) => {
    const run = at(length);
    if (fastest(run, 1) < most) return [];
    const [taken, allowed] = [computed(run), mostWork * computed(parse)];
    return taken < allowed ? [] : [`${name}: ${taken.toFixed(1)} ms, more than ${allowed.toFixed(1)} ms`];
  });
}

/** How a probe grows from the shorter to the longer input when that is too fast, and it takes at least `least` ms in the end. */
export function growth(
  { name, at }: Probe,
  [short, long]: readonly [number, number],
  least = 0,
): string | undefined {
  const walked = [short, long].map((length) => () => walk("x".repeat(length), walks)) as [Run, Run];
  const read = [at(short), at(long)] as const;
  const grown = (time: (run: Run) => number) =>
    time(read[1]) / time(read[0]) / (time(walked[1]) / time(walked[0]));
  // 1 for a linear reader, and `long / short` for one that looks at all pairs: half way is as far from both.
  const most = Math.sqrt(long / short);
  if (grown((run) => fastest(run, 7)) < most || fastest(read[1], 7) < least) return undefined;
  if (grown(computed) < most) return undefined;
  const [little, much] = read.map((run) => computed(run).toFixed(2));
  return `${name}: ${little} ms for ${short} characters, ${much} ms for ${long}`;
}

type Run = () => unknown;

/** Milliseconds of the fastest of several runs, by the clock: right on a machine that does nothing else. */
function fastest(run: Run, times: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i += 1) {
    const start = performance.now();
    unlessRefused(run);
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

/** Systems count what a thread computes in ticks of up to 10 ms. */
const manyTicksMs = 80;

/** Milliseconds that a run takes of this thread's own time, whatever else the machine does. */
function computed(run: Run): number {
  const start = process.threadCpuUsage();
  for (let runs = 1; ; runs += 1) {
    unlessRefused(run);
    const { user, system } = process.threadCpuUsage(start);
    const ms = (user + system) / 1_000;
    if (ms >= manyTicksMs) return ms / runs;
  }
}

/** What is turned away was read as well. */
function unlessRefused(run: Run): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
  }
}

function walk(text: string, times: number): number {
  let sum = 0;
  for (let i = 0; i < times; i += 1) for (let at = 0; at < text.length; at += 1) sum += text.charCodeAt(at);
  return sum;
}
