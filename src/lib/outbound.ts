import { lookup as systemLookup } from "node:dns/promises";
import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import type { AudioReply } from "../core/recording.ts";
import { codeOf } from "./http.ts";
import { unlessAborted } from "./pace.ts";

type Address = { address: string; family: number };
export type Resolve = (host: string) => Promise<readonly Address[]>;

/**
 * `allowedHosts`: host names that may be requested over https, such as `audio.example.com` or `*.example.com`.
 * `apiUrl`: the provider's own API; its origin may be requested as well, also over http if it is written so, and on
 * loopback when it names this machine (emulators and tests). `credentials`: headers for the first request only, never
 * for redirects. `headersMs`: until the headers of the final answer.
 */
export type OutsideOptions = {
  allowedHosts: readonly string[];
  apiUrl?: string | undefined;
  headers?: Readonly<Record<string, string>>;
  credentials?: Readonly<Record<string, string>> | undefined;
  signal: AbortSignal;
  maxRedirects?: number;
  headersMs?: number;
  resolve?: Resolve;
};

const hostPattern = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/;

/** The setting that allows more hosts. */
export const hostList = z
  .array(
    z
      .string()
      .toLowerCase()
      .regex(hostPattern, 'is not a host such as "audio.example.com" or "*.example.com"')
      .refine((host) => !/^\*\.[^.]+$/.test(host), "allows half of the internet: name a domain after the *"),
  )
  .max(50);

/**
 * A GET to a host that a stranger named. Every hop is checked: its host must be allowed, and the connection goes to the
 * same address that was checked to be public. Throws `Rejected` with 502 or 504, without the URL,
 * which may be a secret; an answer of any status is returned unread.
 */
export async function openOutside(address: string, options: OutsideOptions): Promise<AudioReply> {
  const { headers = {}, credentials = {}, maxRedirects = 3, headersMs = 10_000 } = options;
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), headersMs);
  const signal = AbortSignal.any([options.signal, late.signal]);
  let host = "the host of the recording";
  try {
    for (let hop = 0, next = address; ; hop += 1) {
      const url = allowedUrl(next, options, hop === 0 ? undefined : host);
      host = url.hostname;
      const answer = await sendGet(
        url,
        hop === 0 ? { ...headers, ...credentials } : headers,
        options,
        signal,
      );
      const target = redirectOf(answer, url);
      if (target === undefined) {
        return { status: answer.statusCode ?? 0, headers: singleHeaders(answer), body: answer };
      }
      answer.destroy();
      if (hop === maxRedirects) throw new Rejected(502, `${host} redirects more than ${maxRedirects} times`);
      next = target;
    }
  } catch (cause) {
    if (late.signal.aborted)
      throw new Rejected(504, `${host} did not answer within ${headersMs / 1000} s: try again later`, {
        cause,
      });
    if (cause instanceof Rejected || options.signal.aborted) throw cause;
    throw new Rejected(
      502,
      `${host} cannot be reached (${codeOf(cause) ?? "unknown reason"}): try again later`,
      { cause },
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a host matches one of the patterns: `*.example.com` matches every name below `example.com`. */
export function isHostIn(host: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) =>
    pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern,
  );
}

/** Whether a URL belongs to the provider's own API, scheme and port included. */
export function isAtApi(url: URL, apiUrl: string | undefined): boolean {
  return apiUrl !== undefined && URL.canParse(apiUrl) && new URL(apiUrl).origin === url.origin;
}

function allowedUrl(address: string, options: OutsideOptions, redirectedBy?: string): URL {
  const who = redirectedBy === undefined ? "the recording is" : `${redirectedBy} redirects the recording`;
  if (!URL.canParse(address)) throw new Rejected(502, `${who} at an address that is no URL`);
  const url = new URL(address);
  if (isAtApi(url, options.apiUrl)) return url;
  const place = `${who} ${redirectedBy === undefined ? "at" : "to"} ${url.host.slice(0, 253) || "nowhere"}`;
  if (!isHostIn(url.hostname, options.allowedHosts)) {
    throw new Rejected(
      502,
      `${place}, which is not an allowed recording host: if it is the right one, add it to recordingHosts in the provider's settings`,
    );
  }
  if (url.protocol !== "https:" || url.port !== "")
    throw new Rejected(502, `${place} without https or on a port of its own: only https on 443 is asked`);
  return url;
}

async function sendGet(
  url: URL,
  headers: Readonly<Record<string, string>>,
  options: OutsideOptions,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  // A DNS request cannot be cancelled, only ignored.
  const addresses = await unlessAborted(reachable(url, host, options), signal);
  const send = url.protocol === "https:" ? tlsRequest : plainRequest;
  return new Promise((resolve, reject) => {
    send({
      method: "GET",
      hostname: host,
      port: url.port,
      path: `${url.pathname}${url.search}`,
      headers: { "user-agent": "Switchhook", "accept-encoding": "identity", ...headers },
      // A connection of its own: a pooled one may lead to an address that was checked for another request.
      agent: false,
      lookup: fixedLookup(addresses),
      signal,
    })
      .on("response", resolve)
      .on("error", reject)
      .end();
  });
}

/** The addresses of the host that may be connected to. Throws `Rejected(502)` when there is none. */
async function reachable(url: URL, host: string, { apiUrl, resolve = resolveHost }: OutsideOptions) {
  const family = isIP(host);
  const found = family === 0 ? await resolve(host) : [{ address: host, family }];
  const isOurs = isAtApi(url, apiUrl) && namesThisMachine(host);
  const usable = found.filter(({ address }) =>
    isOurs ? isLoopbackAddress(address) : isPublicAddress(address),
  );
  if (usable.length > 0) return usable;
  throw new Rejected(
    502,
    `${host} is not on the public internet, so it is not asked: check the provider's settings`,
  );
}

async function resolveHost(host: string): Promise<Address[]> {
  return systemLookup(host, { all: true });
}

/** Whether a host is this machine by its name or address. */
export function namesThisMachine(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || isLoopbackAddress(host);
}

/** Resolves to the addresses that were checked: another lookup could give other ones. */
function fixedLookup(addresses: readonly Address[]): LookupFunction {
  return (_host, { all }, callback) => {
    if (all) callback(null, [...addresses]);
    else callback(null, addresses[0]?.address ?? "", addresses[0]?.family);
  };
}

function redirectOf({ statusCode = 0, headers }: IncomingMessage, base: URL): string | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) return undefined;
  return URL.canParse(headers.location, base.href) ? new URL(headers.location, base).href : headers.location;
}

function singleHeaders({ headers }: IncomingMessage): AudioReply["headers"] {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])),
  );
}

/** IANA's special-purpose registries (2026-11): private, loopback, link-local, CGNAT, documentation, multicast, reserved. */
const closed = new BlockList();
for (const range of [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.31.196.0/24",
  "192.52.193.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "192.175.48.0/24",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "2620:4f:8000::/48",
  "3fff::/20",
]) {
  addRange(closed, range);
}

/** Global unicast; all other IPv6 addresses are local or embed an IPv4 address (IPv4-mapped, NAT64). */
const global = new BlockList();
addRange(global, "2000::/3");

const loopback = new BlockList();
for (const range of ["127.0.0.0/8", "::1/128"]) addRange(loopback, range);

/** Whether an IP address belongs to a host of the public internet. */
function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !closed.check(address, "ipv4");
  // A zone (`%eth0`) only makes sense on the local link.
  if (family !== 6 || address.includes("%")) return false;
  return global.check(address, "ipv6") && !closed.check(address, "ipv6");
}

/**
 * What distinguishes clients of the public internet: an IPv4 address, or the /64 of an IPv6 address, since one host has the
 * whole /64. Undefined for any other address, which may be a proxy's.
 */
export function clientOf(address: string): string | undefined {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!isPublicAddress(plain)) return undefined;
  return isIP(plain) === 4 ? plain : networkOf(plain);
}

function networkOf(address: string): string {
  const [head = "", tail] = address.split("::");
  const groups = head.split(":");
  const rest = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : 8 - groups.length - rest.length;
  return [...groups, ...Array<string>(zeros).fill("0"), ...rest].slice(0, 4).join(":");
}

/** Whether an IP address is this machine itself. */
function isLoopbackAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && loopback.check(address, family === 4 ? "ipv4" : "ipv6");
}

function addRange(list: BlockList, range: string): void {
  const [network = "", bits = ""] = range.split("/");
  list.addSubnet(network, Number(bits), network.includes(":") ? "ipv6" : "ipv4");
}

const localNames = /(^|\.)(localhost|local|internal|lan|home|test|invalid)$/i;

/** Whether a URL is one of the public internet that browsers and other servers trust: https, and no private host. */
export function isPublicUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (protocol !== "https:") return false;
  return isIP(host) === 0 ? host.includes(".") && !localNames.test(host) : isPublicAddress(host);
}
