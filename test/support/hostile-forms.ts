import type { Random } from "./random.ts";

/** The names of Exotel's parameters, and some of nobody's. */
const names = [
  "CallSid",
  "Status",
  "From",
  "To",
  "EventType",
  "Legs[0][Status]",
  "Legs[1][OnCallDuration]",
  "EndTime",
];
const values = [
  "",
  "completed",
  "terminal",
  "null",
  "%00",
  "%ff%fe",
  "%",
  "%zz",
  "+",
  "-1",
  "9".repeat(400),
  "a&b=c",
  "😀",
];

/** A urlencoded form of an Exotel call, with parameters as nobody sends them. */
export function hostileForm(callId: string, random: Random): string {
  const first = random.chance(0.9) ? [`CallSid=${callId}`, "EventType=terminal"] : [];
  const more = random.pick([
    () => Array.from({ length: random.below(20) }, () => `${random.pick(names)}=${random.pick(values)}`),
    () => Array.from({ length: 3_000 }, (_, i) => `p${i}=${i}`),
    () => [
      `Legs${"[a]".repeat(2_000)}=1`,
      `${"[".repeat(5_000)}=1`,
      `Legs${"[".repeat(2_000)}${"]".repeat(2_000)}=1`,
    ],
    () => Array.from({ length: 400 }, (_, i) => `Legs[${i}]${"[x]".repeat(i % 7)}=${i}`),
    () => [
      "__proto__[polluted]=1",
      "constructor[prototype][polluted]=1",
      "Legs[__proto__][Status]=x",
      "Legs[length]=1e9",
    ],
    () => [
      "Legs=text",
      "Legs[0]=text",
      "Legs[0][Status]=completed",
      "Legs[0][Status][x]=y",
      "Legs[1e9][Status]=busy",
    ],
    () => Array.from({ length: 200 }, () => `CallSid=${random.pick(values)}`),
    () => ["&".repeat(10_000), "=".repeat(1_000), "%5B%5D=1", "Legs%5B0%5D%5BStatus%5D=%ED%A0%80"],
  ])();
  return [...first, ...more].join("&");
}

type Form = { contentType: string; body: string };

/** A multipart form of an Exotel call whose boundary, headers or parts are not in order. */
export function hostileMultipart(callId: string, random: Random): Form {
  const boundary = random.pick([
    "b",
    "-".repeat(60),
    "x".repeat(70),
    "x".repeat(5_000),
    'q"uo\\te',
    "a b",
    "=",
    "\x01",
    "é",
  ]);
  const part = (name: string, value: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const end = `--${boundary}--\r\n`;
  const whole = part("CallSid", callId) + part("EventType", "terminal") + part("Status", "completed");
  const body = random.pick([
    () => whole + end,
    () => whole,
    () => end + whole + end,
    () => whole + end + whole + end,
    () => `preamble\r\n${whole}${end}epilogue`,
    () => whole + part("x".repeat(70_000), "y") + end,
    () => whole + part("big", "y".repeat(100_000)) + end,
    () => part("a", "b").repeat(1_500) + whole + end,
    () => `${whole}--${boundary}\r\n${"X-Header: y\r\n".repeat(3_000)}\r\nz\r\n${end}`,
    () =>
      whole +
      `--${boundary}\r\nContent-Disposition: form-data; name="f"; filename="../../x"\r\n\r\n\0\xff\r\n${end}`,
    () => `${whole}--${boundary}\r\nContent-Disposition: attachment\r\n\r\n\r\n--${boundary}\r\n\r\n${end}`,
    () => whole.replaceAll("\r\n", "\n") + end,
    () => whole.slice(0, random.below(whole.length)) + end,
    () => `--${boundary}`.repeat(500),
  ])();
  const contentType = random.pick([
    `multipart/form-data; boundary=${boundary.replace(/[^ -~]/g, "")}`,
    "multipart/form-data",
    "multipart/form-data; boundary=",
    `multipart/form-data; boundary=one; boundary=${"y".repeat(1_000)}`,
    'multipart/mixed; boundary="unterminated',
    "text/plain",
  ]);
  return { contentType, body };
}
