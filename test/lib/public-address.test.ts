import { expect, test } from "vitest";
import { clientOf } from "../../src/lib/outbound.ts";

test.each([
  ["an IPv4 address", "93.184.216.34", "93.184.216.34"],
  ["the same in IPv6 notation", "::ffff:93.184.216.34", "93.184.216.34"],
  ["an IPv6 address, by its network", "2a00:1450:4009:81f::200e", "2a00:1450:4009:81f"],
  ["another one of the same network", "2a00:1450:4009:81f:1:2:3:4", "2a00:1450:4009:81f"],
  ["one whose network ends in zeros", "2a00:1450::200e", "2a00:1450:0:0"],
])("a client is told by %s", (_, address, client) => expect(clientOf(address)).toBe(client));

test.each([
  "127.0.0.1",
  "::1",
  "::ffff:127.0.0.1",
  "10.1.2.3",
  "::ffff:192.168.0.7",
  "fd00::1",
  "fe80::1%eth0",
  "",
])("%j may be a proxy, so it tells no client", (address) => expect(clientOf(address)).toBeUndefined());
