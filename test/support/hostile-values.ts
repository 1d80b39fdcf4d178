import type { Random } from "./random.ts";

/** JSON texts, not values: numbers that no JavaScript number holds, and escapes that no parser makes again. */
const texts: readonly string[] = [
  "null",
  "true",
  "false",
  "[]",
  "{}",
  '""',
  "0",
  "-0",
  "-1",
  "1e308",
  "1e999",
  "-1e999",
  "1e-400",
  "9007199254740993",
  "9".repeat(400),
  "0.1e-7",
  '"\\u0000"',
  '"a\\u0000b"',
  '"\\ud800"',
  '"\\udfff\\ud800"',
  '"\\u202e+31612345678"',
  '"\\u001b[31mred"',
  '"__proto__"',
  '"constructor"',
  '"null"',
  '"undefined"',
  '"NaN"',
  '"Infinity"',
  '"-5"',
  '"1e9"',
  '"0x10"',
  '"0000-00-00 00:00:00"',
  '"0001-01-01T00:00:00Z"',
  '"9999-12-31T23:59:59.999Z"',
  '"+275760-09-13T00:00:00.001Z"',
  '"2026-02-30T25:61:61+99:99"',
  '"1970-01-01 05:30:00"',
  '"Mon, 31 Feb 2026 12:00:00"',
  '"+"',
  '"+0"',
  '"+999999999999999999"',
  '"00000000000"',
  '"sip:"',
  '"sip:@"',
  '"sip:%00@x;y"',
  '"tel:tel:+31"',
  '"anonymous"',
  '"{{ call.id }}"',
  '"{% assign x = 1 %}{% for i in (1..1000000) %}x{% endfor %}"',
  '"javascript:alert(1)"',
  '"http://169.254.169.254/latest/meta-data"',
  '"file:///etc/passwd"',
  '"https://[::ffff:7f00:1]/x"',
  '"\'; DROP TABLE deliveries; --"',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"hasOwnProperty":1,"toString":null,"valueOf":{},"length":-1,"then":"x","toJSON":1}',
  '{"":{"":""}}',
  '[null,[],{},"",0,[[[[[[]]]]]]]',
];

/** One JSON text that no honest provider sends in that place. */
function hostileJson(random: Random): string {
  if (random.chance(0.9)) return random.pick(texts);
  const times = random.pick([10, 300, 5_000]);
  return random.pick([
    () => `${"[".repeat(times)}${"]".repeat(times)}`,
    () => `${'{"a":'.repeat(times)}1${"}".repeat(times)}`,
    () => `"${"x".repeat(times)}"`,
    () => `"${"\\ud83d\\ude00".repeat(times)}"`,
    () => `"${"\\u0000".repeat(times)}"`,
    () =>
      `[${Array.from({ length: times }, (_, i) => `{"number":"+3161${i}","user_numbers":["${i}"]}`).join()}]`,
    () => `{${Array.from({ length: times }, (_, i) => `"k${i}":${i}`).join()}}`,
    () => `{${Array.from({ length: times }, (_, i) => `"call.${i}\\u0000":"v"`).join()}}`,
  ])();
}

/** Names that an object of ours might stumble over. */
export const hostileNames = [
  "__proto__",
  "constructor",
  "prototype",
  "hasOwnProperty",
  "toString",
  "then",
  "",
  " ",
  "\0",
  "\ud800",
  "a.b",
  "x".repeat(5_000),
] as const;

/**
 * JSON of a value in which some members, wherever they are, were replaced, removed, doubled or joined by strange ones.
 * `rate`: the share of members that are touched.
 */
export function mutatedJson(value: unknown, random: Random, rate: number): string {
  if (random.chance(rate)) return hostileJson(random);
  if (Array.isArray(value)) return `[${value.map((item) => mutatedJson(item, random, rate)).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).flatMap(([name, inner]) => {
    const member = `${JSON.stringify(name)}:${mutatedJson(inner, random, rate)}`;
    if (!random.chance(rate)) return [member];
    return random.pick([
      [],
      [member, `${JSON.stringify(name)}:${hostileJson(random)}`],
      [`${JSON.stringify(random.pick(hostileNames))}:${JSON.stringify(inner)}`],
      [member, `${JSON.stringify(random.pick(hostileNames))}:${hostileJson(random)}`],
    ]);
  });
  return `{${members.join()}}`;
}

const bytes = [
  "\0",
  "\xff\xfe",
  "\xc0\x80",
  "\xed\xa0\x80",
  "\xef\xbb\xbf",
  "\xf8\x88\x80\x80\x80",
  "\r\n\r\n",
  "%",
  "\\",
  '"',
];

/** A body that something went wrong with on the way: cut, doubled, flipped, sprinkled with bytes that are not UTF-8. */
export function damaged(body: Buffer, random: Random): Buffer {
  const at = random.below(body.length + 1);
  return random.pick([
    () => body.subarray(0, at),
    () => Buffer.concat([body, body]),
    () => Buffer.concat([body.subarray(at), body.subarray(0, at)]),
    () => Buffer.concat([body.subarray(0, at), Buffer.from(random.pick(bytes), "latin1"), body.subarray(at)]),
    () => Buffer.from(body.map((byte) => (random.chance(0.02) ? random.below(256) : byte))),
    () => Buffer.concat([Buffer.from(random.pick(bytes), "latin1"), body]),
    () => Buffer.from(body.toString("latin1"), "utf16le"),
    () => Buffer.alloc(0),
  ])();
}
