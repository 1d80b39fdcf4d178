import type { Provider } from "../../src/core/provider.ts";
import { deliveriesOf, fixtureNames, loadFixture } from "../contracts/provider.ts";
import { hostileForm, hostileMultipart } from "./hostile-forms.ts";
import { damaged, hostileNames, mutatedJson } from "./hostile-values.ts";
import type { Random } from "./random.ts";

/** Exact bytes for the wire. `method` tells whether an answer has a body. */
export type WireRequest = { method: string; bytes: Buffer };

type Sample = { provider: string; body: Buffer; json?: unknown; contentType: string; ids: string[] };
type Configured = Readonly<Record<string, { provider: Provider; settings: unknown }>>;

const contentTypes = [
  "application/json",
  "application/json; charset=utf-16",
  "text/plain; charset=iso-8859-1",
  "application/x-www-form-urlencoded",
  "application/x-www-form-urlencoded; charset=nonsense",
  "multipart/form-data",
  "",
  "/",
  "x".repeat(3_000),
  "application/json\tx;;;;=",
];

/** Every body of every fixture, with the ids of its calls. */
function samplesOf(provider: string): Sample[] {
  return fixtureNames(provider).flatMap((name) => {
    const fixture = loadFixture(provider, name);
    const ids = [
      ...new Set(
        fixture.events.flatMap(({ callId, sameCallAs }) => [callId, ...(sameCallAs ? [sameCallAs] : [])]),
      ),
    ];
    return deliveriesOf(provider, fixture)
      .filter(({ body }) => body.length > 0)
      .map(({ body, headers }) => ({
        provider,
        body: Buffer.from(body),
        contentType: headers["content-type"] ?? "",
        ids,
        ...parsed(Buffer.from(body).toString()),
      }));
  });
}

function parsed(text: string): { json?: unknown } {
  return text.startsWith("{") ? { json: JSON.parse(text) as unknown } : {};
}

/**
 * Makes hostile requests without end, most of them with the right signature, so that they get past `verify`.
 * `calls`: how many different calls they are about; what is about one call has to be folded with all before it.
 */
export function hostileRequests(
  configured: Configured,
  publicUrl: string,
  random: Random,
  calls: number,
): () => WireRequest {
  const samples = Object.keys(configured).flatMap(samplesOf);
  let n = 0;

  const bodyOf = (sample: Sample, callId: string): { body: Buffer; contentType: string } => {
    const { provider, json, contentType } = sample;
    if (provider === "exotel" && random.chance(0.3)) {
      if (random.chance(0.5))
        return { body: Buffer.from(hostileForm(callId, random)), contentType: contentTypes[3] ?? "" };
      const form = hostileMultipart(callId, random);
      return { body: Buffer.from(form.body, "latin1"), contentType: form.contentType };
    }
    const rate = random.pick([0, 0.01, 0.05, 0.2]);
    const text = json === undefined ? sample.body.toString("latin1") : mutatedJson(json, random, rate);
    const renamed = sample.ids.reduce((all, id, i) => all.replaceAll(id, `${callId}-${i}`), text);
    const body = Buffer.from(renamed, json === undefined ? "latin1" : "utf8");
    return { body: random.chance(0.1) ? damaged(body, random) : body, contentType };
  };

  return () => {
    n += 1;
    const sample = random.pick(samples);
    const { body, contentType } = bodyOf(sample, `fuzz-${random.chance(0.02) ? n : random.below(calls)}`);
    const { provider, settings } = configured[sample.provider] ?? {};
    if (!provider) throw new Error(`no ${sample.provider}`);
    const path = `/webhooks/acme/${provider.id}`;
    const query = random.chance(0.05)
      ? hostileForm(`query-${n}`, random)
          .slice(0, 8_000)
          .replace(/[^!-~]/g, "")
      : "";
    const plain = { afterSeconds: 0, method: "POST", query, headers: {}, body } as const;
    const signed = provider.simulate.sign(plain, settings, { now: Date.now(), url: `${publicUrl}${path}` });
    const headers = { "content-type": contentType, ...signed.headers };
    const target = signed.query ? `${path}?${signed.query}` : path;
    return random.chance(0.06)
      ? oddOnTheWire(target, headers, body, random)
      : onTheWire("POST", target, headers, body, random);
  };
}

function onTheWire(
  method: string,
  target: string,
  headers: Record<string, string>,
  body: Buffer,
  random: Random,
): WireRequest {
  const all = { ...headers, ...(random.chance(0.05) && { "content-type": random.pick(contentTypes) }) };
  const lines = Object.entries(all).map(
    ([name, value]) => `${name}: ${value.replace(/[^\t -~\x80-\xff]/g, "")}\r\n`,
  );
  const extra = random.chance(0.03) ? oddHeaders(random) : "";
  const head = `${method} ${target} HTTP/1.1\r\nhost: x\r\n${lines.join("")}${extra}content-length: ${body.length}\r\n\r\n`;
  return { method, bytes: Buffer.concat([Buffer.from(head, "latin1"), body]) };
}

function oddHeaders(random: Random): string {
  return random.pick([
    () => "authorization: Basic\r\nauthorization: Basic ====\r\n",
    () => `authorization: Bearer ${"x".repeat(6_000)}\r\n`,
    () => "x-retell-signature: v=1,d=00\r\nx-retell-signature: v=2\r\n",
    () => `x-retell-signature: v=${"9".repeat(3_000)},d=${"f".repeat(64)}\r\n`,
    () => "messagebird-signature: ////\r\nmessagebird-request-timestamp: -1\r\n",
    () => "webhook-signature: v1,\r\nwebhook-id: \r\nwebhook-timestamp: NaN\r\n",
    () => `__proto__: x\r\nconstructor: y\r\nx-${"a".repeat(2_000)}: \xff\xfe\r\n`,
    () => "x: y\r\n".repeat(1_500),
    () => "expect: 100-continue\r\n",
    () => "content-encoding: gzip\r\n",
    () => "cookie: \x80\r\nuser-agent: \xff'\"<script>\r\n",
  ])();
}

/** Other methods, other paths. */
function oddOnTheWire(
  target: string,
  headers: Record<string, string>,
  body: Buffer,
  random: Random,
): WireRequest {
  const method = random.pick(["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "PROPFIND", "POST"]);
  const path = random.pick([
    target,
    target.replace(
      "acme",
      random.pick(["__proto__", "constructor", "%00", "..", "a".repeat(4_000), "%e0%a4%a"]),
    ),
    target.replace(/acme\/\w+/, `acme/${random.pick(["__proto__", "toString", "nobody", "voys/voys", ""])}`),
    `${target}${random.pick(["#x", "&key=other", "&key=%", "&key=a&key=b", "?key=x", "&&&&", "/"])}`,
    `//${target}`,
    `/webhooks/../${target}`,
    `http://other.example${target}`,
    `/${encodeURIComponent(random.pick(hostileNames.filter((name) => name.isWellFormed())))}`,
    "/webhooks/",
    "/recordings/%00",
    "/api/calls/%ff",
    "/api/calls?limit=__proto__",
    "*",
  ]);
  return onTheWire(method, path, headers, body, random);
}
