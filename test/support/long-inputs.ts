/** What a text can be made of that patterns stumble over: alone, and two in turns. */
export const units: readonly string[] = [
  ..." \t\n,;:.-_/\\+%&=<([{\"'@#0aé",
  ...["\r\n", "\u0301", "\u200b", "\u00a0", "\ud83d\ude00", "\ud800", "\0", "“"],
  ...[
    "<a ",
    "/> ",
    " \n",
    "\n\n",
    "+ ",
    "a ",
    "a, ",
    "0 ",
    "0-",
    "1) ",
    "98111 ",
    "&a",
    "a&",
    "%2",
    "[a]",
    "--",
  ],
  ...["agent:\n", "http://", "sip:a@", "call "],
];

/**
 * A unit as often as it takes to fill so many characters, in two runs: one begins the text, and one is left when the text
 * is trimmed. Behind each stands a letter, so that a pattern which expects the end of the text there fails.
 */
export function filled(unit: string, length: number): string {
  const run = unit.repeat(Math.ceil(length / 2 / unit.length)).slice(0, length / 2);
  return `${run}x${run}x`;
}

export type Place = readonly (string | number)[];

/** Where the texts, numbers and booleans of a value are. */
export function leavesOf(value: unknown, place: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return [place];
  return Object.entries(value).flatMap(([name, inner]) =>
    leavesOf(inner, [...place, Array.isArray(value) ? Number(name) : name]),
  );
}

/** The value with something else in these places. */
export function replaced<T>(value: T, places: readonly Place[], by: unknown): T {
  const copy: unknown = structuredClone(value);
  for (const place of places) {
    let inner = copy as Record<string | number, unknown>;
    for (const name of place.slice(0, -1)) inner = inner[name] as typeof inner;
    inner[place.at(-1) ?? ""] = by;
  }
  return copy as T;
}
