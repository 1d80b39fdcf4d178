const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const suffixLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
const pod = "Sw0";
const sequenceLength = 9;

/** The 18-character id of the nth record with a key prefix ("003"). Ids sort as their numbers do. */
export function idOf(prefix: string, sequence: number): string {
  let rest = sequence;
  let text = "";
  for (let place = 0; place < sequenceLength; place++) {
    text = `${digits[rest % 62]}${text}`;
    rest = Math.floor(rest / 62);
  }
  return withSuffix(`${prefix}${pod}${text}`);
}

/** The number an id was made from; undefined when it is not one of ours. */
export function sequenceOf(id: string): number | undefined {
  if (id.slice(3, 6) !== pod) return undefined;
  let sequence = 0;
  for (const character of id.slice(6, 15)) sequence = sequence * 62 + digits.indexOf(character);
  return sequence;
}

/** The 18 characters of an id of 15 or 18; undefined for anything else, a wrong suffix included. */
export function fullId(text: string): string | undefined {
  if (!/^[0-9A-Za-z]{15}([A-Z0-5]{3})?$/.test(text)) return undefined;
  const full = withSuffix(text.slice(0, 15));
  return text.length === 15 || text === full ? full : undefined;
}

/** The suffix says which of the 15 characters are capitals, so that ids survive tools that ignore case. */
function withSuffix(id: string): string {
  let suffix = "";
  for (let group = 0; group < 3; group++) {
    let bits = 0;
    for (let place = 0; place < 5; place++) {
      if (/[A-Z]/.test(id.charAt(group * 5 + place))) bits += 1 << place;
    }
    suffix += suffixLetters[bits];
  }
  return id + suffix;
}
