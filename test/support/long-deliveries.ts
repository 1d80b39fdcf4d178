import { simulatedCall } from "@switchhook/emulators/test/simulated-call";
import { foldCall, ownNumbers } from "../../src/core/customer.ts";
import { canonical } from "../../src/core/fold.ts";
import { identityOf } from "../../src/core/phone.ts";
import type { Delivery, Provider } from "../../src/core/provider.ts";
import { deliveriesOf, fixtureNames, loadFixture } from "../contracts/provider.ts";
import type { Probe } from "./linear.ts";
import { filled, leavesOf, type Place, replaced, units } from "./long-inputs.ts";

/** `textOf`: the body with these fields; `escaped`: a text as it stands in one. */
type Sample = {
  name: string;
  delivery: Delivery;
  fields: Record<string, unknown>;
  textOf: (fields: Record<string, unknown>) => string;
  escaped: (text: string) => string;
};

const own = ownNumbers(
  {
    region: "IN",
    companyNumbers: ["+31201234567"],
    agents: [{ email: "r@x.example", phones: ["+31612345679"] }],
  },
  "any",
  [],
);

/** Reads, decodes and folds a delivery as the door and the lane do. */
function taken(provider: Provider, delivery: Delivery): void {
  // Another object: what is read of one is remembered for the turn.
  const again = { ...delivery };
  provider.read(again);
  const events = provider.decode(again);
  if (events.length === 0) return;
  const call = foldCall(events, own);
  canonical(call);
  identityOf(call.customer?.number, "IN");
}

/** Every field that a provider's bodies have with a long text in it, and all fields of a body at once. */
export function* fieldProbes(provider: Provider, fillings = units): Generator<Probe> {
  const seen = new Set<string>();
  for (const sample of samplesOf(provider)) {
    const { fields } = sample;
    const places = leavesOf(fields).filter((place) => !isWord(place));
    const fresh = places.filter((place) => !seen.has(place.join(".")));
    for (const place of fresh) seen.add(place.join("."));
    const sets = fresh.length > 0 ? [...fresh.map((place) => [place]), places] : [];
    for (const set of sets) yield* probesOf(provider, sample, set, fillings);
  }
}

function* probesOf(
  provider: Provider,
  sample: Sample,
  places: readonly Place[],
  fillings: readonly string[],
): Generator<Probe> {
  const [place = []] = places;
  const where = places.length > 1 ? "all fields" : place.join(".");
  const text = sample.textOf(replaced(sample.fields, places, mark));
  for (const unit of fillings)
    yield {
      name: `${provider.id}, ${sample.name}: ${where} full of ${JSON.stringify(unit)}`,
      at: (length) => {
        // A control character takes six to write.
        const size = sample.escaped(unit).length / unit.length;
        const each = filled(unit, length / size / places.length);
        const body = Buffer.from(text.replaceAll(mark, () => sample.escaped(each)));
        return () => taken(provider, { ...sample.delivery, body });
      },
    };
}

const mark = "(here)";

/** Members that say what a body is, or which call it is about: with anything else in them nothing more is read. */
function isWord(place: Place): boolean {
  return /^(event|type|event_type|call_id|id|CallSid|call_sid|Sid|sid)$/.test(String(place.at(-1)));
}

function samplesOf(provider: Provider): Sample[] {
  const fixtures = fixtureNames(provider.id).flatMap((name) =>
    deliveriesOf(provider.id, loadFixture(provider.id, name)).map((delivery) => ({ name, delivery })),
  );
  const scripts = (["inbound", "outbound"] as const).flatMap((direction) =>
    provider.simulate.script({ ...simulatedCall, direction }).map(({ method, headers, body }) => {
      const delivery = { ...fixtures[0]?.delivery, url: "/", method, headers, body } as Delivery;
      return { name: `simulated ${direction}`, delivery };
    }),
  );
  return [...fixtures, ...scripts].flatMap((one) => sampleOf(one) ?? []);
}

function sampleOf({ name, delivery }: { name: string; delivery: Delivery }): Sample | undefined {
  const text = Buffer.from(delivery.body).toString();
  if (text.startsWith("{")) {
    const escaped = (raw: string) => JSON.stringify(raw).slice(1, -1);
    return {
      name,
      delivery,
      fields: JSON.parse(text) as Record<string, unknown>,
      textOf: JSON.stringify,
      escaped,
    };
  }
  if (text.startsWith("--")) return undefined;
  const form = new URLSearchParams(text || new URL(delivery.url, "https://x.example").search);
  // Only what would end the field is encoded: the rest stays as a hostile sender may write it.
  const escaped = (raw: string) => raw.replaceAll("&", "%26");
  const textOf = (fields: Record<string, unknown>) =>
    Object.entries(fields)
      .map(([key, value]) => `${key}=${value}`)
      .join("&");
  const sent = { ...delivery, method: "POST", headers: {} };
  return { name, delivery: sent, fields: Object.fromEntries(form), textOf, escaped };
}

const part = '--b\r\nContent-Disposition: form-data; name="CallSid"';
const jsonUnits = ['{"a":', '"a":1,', "[", "{},", '"",', "1,"];
const formUnits = ["a=b&", "=&", "a[b]=c&", "[b]"];
/** What makes a reader take a body for JSON, a form or a multipart form, and what ends it. */
const frames: readonly (readonly [start: string, end: string, more: readonly string[]])[] = [
  ["", "", [...jsonUnits, ...formUnits]],
  ['{"event":"x","call_id":"1","a":[', "", jsonUnits],
  ['{"event":"x","call_id":"1","status":"', '"}', []],
  ["CallSid=1&a=", "", formUnits],
  ["CallSid=1&Legs[0]", "", formUnits],
  ["--", "\r\n--b--\r\n", []],
  [part, `\r\n\r\n1\r\n--b--\r\n`, []],
  [`${part}\r\n\r\n`, "\r\n--b--\r\n", ["\r\n--b\r\n", "\r\n--"]],
  [`${part.replace("\r", "")}\n\n`, "\n--b--\n", ["\n--"]],
];

/** Whole bodies of one unit. */
export function* bodyProbes(provider: Provider): Generator<Probe> {
  // All but Exotel send JSON only.
  for (const [start, end, more] of provider.id === "exotel" ? frames : frames.slice(0, 3))
    for (const unit of [...units, ...more])
      yield {
        name: `${provider.id}: a body of ${JSON.stringify(unit)} behind ${JSON.stringify(start)}`,
        at: (length) => {
          const body = Buffer.from(`${start}${filled(unit, length)}${end}`);
          const delivery = { ...(emptyDelivery(provider) as Delivery), headers: {}, body };
          return () => taken(provider, delivery);
        },
      };
}

function emptyDelivery(provider: Provider): Delivery | undefined {
  return deliveriesOf(provider.id, { source: "", requests: [{ body: {} }], events: [] })[0];
}

/** Every header that proves who sent a body, and the secret in its URL, full of one unit. */
export function* proofProbes(provider: Provider, settings: unknown): Generator<Probe> {
  const url = `https://calls.example.com/webhooks/acme/${provider.id}`;
  const [request] = provider.simulate.script(simulatedCall);
  if (!request) return;
  const signed = provider.simulate.sign(request, settings, { now: 0, url });
  const names = [
    ...Object.keys(signed.headers),
    ...provider.keepHeaders,
    "authorization",
    "webhook-signature",
  ];
  for (const name of new Set(names))
    for (const unit of [...units, "v=1,", "v1,", "Basic ", "Bearer "])
      yield {
        name: `${provider.id}: the header ${name} full of ${JSON.stringify(unit)}`,
        at: (length) => {
          const headers = { ...signed.headers, [name]: filled(unit, length) };
          const delivery = { ...(emptyDelivery(provider) as Delivery), headers, body: signed.body };
          const proof = { now: 0, publicUrl: `${url}?${filled(unit, length)}` };
          return () => provider.verify(delivery, settings, proof);
        },
      };
}
