import { randomInt } from "node:crypto";
import { Rejected } from "../core/errors.ts";

/**
 * Limits for JSON that takes far longer to parse than its size suggests. The largest bodies of providers, three transcripts
 * of an hour with the times of every word, have about 30,000 objects, 12 levels and 100 names.
 */
const mostLevels = 100;
const mostContainers = 250_000;
const mostMembers = 400_000;
const mostNames = 5_000;
/** Strings that are values. V8 looks each short one up in its table of strings. */
const mostTexts = 150_000;

/** The value of a JSON text from a stranger. Throws `Rejected(400)` when it is no JSON or exceeds the limits. */
export function parseBody(text: string): unknown {
  refuseCostly(text);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new Rejected(400, "the body is not JSON", { cause });
  }
}

/** Reads each character once before anything is built; invalid JSON is left to the parser. */
function refuseCostly(text: string): void {
  let [levels, containers, members, texts] = [0, 0, 0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      texts += 1;
      at = endOfString(text, at);
      if (at < 0) break;
    } else if (code === 0x7b || code === 0x5b) {
      levels += 1;
      containers += 1;
      if (levels > mostLevels) throw costly(`is nested deeper than ${mostLevels} levels`);
      if (containers > mostContainers) throw costly(`has more than ${mostContainers} lists and objects`);
    } else if (code === 0x7d || code === 0x5d) levels -= 1;
    else if (code === 0x3a) members += 1;
  }
  if (members > mostMembers) throw costly(`has more than ${mostMembers} members`);
  if (texts - members > mostTexts) throw costly(`has more than ${mostTexts} texts`);
  if (members > mostNames && differentNames(text) > mostNames)
    throw costly(`has more than about ${mostNames} different names`);
}

function costly(what: string): Rejected {
  return new Rejected(400, `the body ${what}, which would take too long to read`);
}

/** The position of the closing quote of a string; -1 when there is none. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let from = end;
    while (text.charCodeAt(from - 1) === 0x5c) from -= 1;
    if ((end - from) % 2 === 0) return end;
  }
  return -1;
}

/** Approximate, by hashes (FNV-1a), and only until there are too many. */
function differentNames(text: string): number {
  const seen = new Uint8Array(1 << 16);
  let names = 0;
  for (let at = text.indexOf('"'); at >= 0 && names <= mostNames; ) {
    const end = endOfString(text, at);
    if (end < 0) break;
    let next = end + 1;
    while (text.charCodeAt(next) <= 0x20) next += 1;
    if (text.charCodeAt(next) === 0x3a) {
      const slot = hashOf(text, at + 1, end) & 0xffff;
      if (seen[slot] === 0) names += 1;
      seen[slot] = 1;
    }
    at = text.indexOf('"', next);
  }
  return names;
}

/** Random at the start, so that names with equal hashes cannot be chosen. */
const hashStart = randomInt(2 ** 32);

function hashOf(text: string, from: number, to: number): number {
  let hash = hashStart;
  for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}
