import { BlockList, isIP } from "node:net";

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
export function isPublicAddress(address: string): boolean {
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
export function isLoopbackAddress(address: string): boolean {
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
