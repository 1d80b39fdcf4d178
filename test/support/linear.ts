import { Rejected } from "../../src/core/errors.ts";

/** Something that reads text of strangers. `at`: makes an input of about so many characters; what it returns reads it. */
export type Probe = { name: string; at: (length: number) => () => unknown };

/** At this length a look at every pair of characters takes a hundred times as long as one at every character. */
const screenLength = 10_000;
/** Both are shorter than the length to which texts are cut, behind which the square of a length would not show. */
const usual = [2_000, 8_000] as const;
/** Walks over the text that a linear reader may be worth: it may build, compare and copy many times. */
const walks = 300;
const tries = 3;

/**
 * The probes whose time grows faster than the length of their input, each with its figures. All are measured once against
 * a walk over as many characters; only those that take suspiciously long are measured again, and have to
 * be caught in each of several tries: a busy machine slows one down by chance, but not always the longer one.
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
  const allowed = () => mostWork * fastest(() => JSON.parse(honest), 5);
  const most = allowed();
  return [...probes].flatMap(({ name, at }) => {
    const run = at(length);
    let [took, may] = [fastest(run, 1), most];
    for (let tried = 0; tried < tries && took > may; tried += 1) [took, may] = [fastest(run, 5), allowed()];
    return took > may ? [`${name}: ${took.toFixed(1)} ms, more than ${may.toFixed(1)} ms`] : [];
  });
}

/** How a probe grows from the shorter to the longer input when that is too fast, and it takes at least `least` ms in the end. */
export function growth(
  { name, at }: Probe,
  [short, long]: readonly [number, number],
  least = 0,
): string | undefined {
  let figures = "";
  for (let tried = 0; tried < tries; tried += 1) {
    const [little, much] = [fastest(at(short), 7), fastest(at(long), 7)];
    const [few, many] = [short, long].map((length) => fastest(() => walk("x".repeat(length), 20), 7));
    const grown = much / little / ((many ?? 0) / (few ?? 1));
    // 1 for a linear reader, and `long / short` for one that looks at all pairs: half way is as far from both.
    if (grown < Math.sqrt(long / short) || much < least) return undefined;
    figures = `${name}: ${little.toFixed(2)} ms for ${short} characters, ${much.toFixed(2)} ms for ${long}`;
  }
  return figures;
}

/** Milliseconds of the fastest of several runs. What is turned away was read as well. */
export function fastest(run: () => unknown, times: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i += 1) {
    const start = performance.now();
    try {
      run();
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
    }
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

function walk(text: string, times: number): number {
  let sum = 0;
  for (let i = 0; i < times; i += 1) for (let at = 0; at < text.length; at += 1) sum += text.charCodeAt(at);
  return sum;
}
