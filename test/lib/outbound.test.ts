import type { RequestListener } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import {
  clientOf,
  hostList,
  isHostIn,
  type OutsideOptions,
  openOutside,
  type Resolve,
} from "../../src/lib/outbound.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const upstreams: Upstream[] = [];
afterEach(async () => {
  for (const upstream of upstreams.splice(0)) await upstream.stop();
});

async function upstreamOf(answer: RequestListener, host?: string): Promise<Upstream> {
  const upstream = await startUpstream(answer, host);
  upstreams.push(upstream);
  return upstream;
}

const open = (url: string, options: Partial<OutsideOptions> = {}) =>
  openOutside(url, { allowedHosts: ["audio.example.com"], signal: new AbortController().signal, ...options });

const resolvesTo =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

async function textOf(reply: Awaited<ReturnType<typeof open>>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of reply.body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

const refused = (status: number, sentence: RegExp) =>
  expect.objectContaining({ name: "Rejected", status, message: expect.stringMatching(sentence) });

describe("asks nobody", () => {
  test.each([
    ["a host that is not allowed", "https://evil.example/a.mp3", /add it to recordingHosts/],
    ["a host that only ends like an allowed one", "https://evilaudio.example.com/a.mp3", /recordingHosts/],
    ["an allowed name as the user", "https://audio.example.com@evil.example/a", /at evil\.example,/],
    ["another spelling of loopback", "https://0x7f.1/a.mp3", /at 127\.0\.0\.1,/],
    ["a host without TLS", "http://audio.example.com/a.mp3", /only https/],
    ["another port", "https://audio.example.com:8443/a.mp3", /only https on 443/],
    ["a file", "file:///etc/passwd", /nowhere/],
    ["no URL", "call_123", /no URL/],
  ])("that is %s", async (_, url, sentence) => {
    const resolve = () => Promise.reject(new Error("nobody was to be looked up"));
    await expect(open(url, { resolve })).rejects.toEqual(refused(502, sentence));
  });

  test.each([
    ...["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"],
    ...["224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1"],
    ...["::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1", "nonsense"],
  ])("whose name leads to %s", async (address) => {
    const asked = open("https://audio.example.com/secret.mp3", { resolve: resolvesTo(address) });
    await expect(asked).rejects.toEqual(refused(502, /not on the public internet/));
  });

  test("at an address of this machine that is allowed by name only", async () => {
    const asked = open("https://127.0.0.1/a.mp3", { allowedHosts: ["127.0.0.1"] });
    await expect(asked).rejects.toEqual(refused(502, /not on the public internet/));
  });

  test("at a private address of the provider's own API: only loopback is excused", async () => {
    const apiUrl = "http://emulator.example";
    const resolve = resolvesTo("10.0.0.1");
    await expect(open(`${apiUrl}/a`, { apiUrl, resolve })).rejects.toEqual(refused(502, /public/));
    const named = "http://emulator.localhost";
    await expect(open(`${named}/a`, { apiUrl: named, resolve })).rejects.toEqual(refused(502, /public/));
  });
});

describe("the connection", () => {
  test("goes to the address that was checked, and the name is asked once", async () => {
    const upstream = await upstreamOf((_, response) => response.end("audio"), "127.0.0.2");
    const apiUrl = `http://recordings.localhost:${upstream.port}`;
    let asked = 0;
    const resolve: Resolve = async () => {
      asked += 1;
      return [
        { address: "10.0.0.1", family: 4 },
        { address: asked === 1 ? "127.0.0.2" : "127.0.0.1", family: 4 },
      ];
    };
    expect(await textOf(await open(`${apiUrl}/a.mp3?b=c`, { apiUrl, resolve }))).toBe("audio");
    expect(asked).toBe(1);
    expect(upstream.requests[0]).toMatchObject({ url: "/a.mp3?b=c" });
    expect(upstream.requests[0]?.headers.host).toBe(`recordings.localhost:${upstream.port}`);
  });

  test.each([301, 302, 303, 307, 308])("follows a %i and leaves the credentials behind", async (status) => {
    const upstream = await upstreamOf((request, response) => {
      if (request.url === "/a") response.writeHead(status, { location: "b" }).end();
      else response.end("audio");
    });
    const reply = await open(`${upstream.url}/a`, {
      apiUrl: upstream.url,
      headers: { range: "bytes=0-" },
      credentials: { authorization: "Basic secret" },
    });
    expect(await textOf(reply)).toBe("audio");
    expect(upstream.requests.map(({ url, headers }) => [url, headers.authorization, headers.range])).toEqual([
      ["/a", "Basic secret", "bytes=0-"],
      ["/b", undefined, "bytes=0-"],
    ]);
  });

  test("does not follow a redirect to another port of this machine", async () => {
    const inner = await upstreamOf((_, response) => response.end("secret"));
    const upstream = await upstreamOf((_, response) =>
      response.writeHead(302, { location: `${inner.url}/admin` }).end(),
    );
    const asked = open(`${upstream.url}/a`, { apiUrl: upstream.url });
    await expect(asked).rejects.toEqual(
      refused(502, /redirects the recording to 127\.0\.0\.1:\d+, which is not/),
    );
    expect(inner.requests).toEqual([]);
  });

  test("does not follow a redirect to an allowed host with a private address, or to nonsense", async () => {
    const apiUrls: Upstream[] = [];
    for (const location of ["https://audio.example.com/x", "http://[nonsense"]) {
      apiUrls.push(await upstreamOf((_, response) => response.writeHead(302, { location }).end()));
    }
    const resolve = resolvesTo("192.168.0.1");
    const [toPrivate, toNonsense] = apiUrls.map(({ url }) => open(`${url}/a`, { apiUrl: url, resolve }));
    await expect(toPrivate).rejects.toEqual(refused(502, /audio\.example\.com is not on the public/));
    await expect(toNonsense).rejects.toEqual(refused(502, /no URL/));
  });

  test("follows three redirects, and no more", async () => {
    const upstream = await upstreamOf((request, response) => {
      const hops = Number(request.url?.slice(1));
      if (hops === 0) response.end("audio");
      else response.writeHead(302, { location: `/${hops - 1}` }).end();
    });
    const ask = (hops: number) => open(`${upstream.url}/${hops}`, { apiUrl: upstream.url });
    expect(await textOf(await ask(3))).toBe("audio");
    await expect(ask(4)).rejects.toEqual(refused(502, /redirects more than 3 times/));
  });

  test("is given up when the headers or the name do not come", async () => {
    const upstream = await upstreamOf(() => {});
    const slow = { headersMs: 100, apiUrl: upstream.url };
    await expect(open(`${upstream.url}/a`, slow)).rejects.toEqual(
      refused(504, /did not answer within 0\.1 s/),
    );
    const resolve = () => new Promise<never>(() => {});
    await expect(open("https://audio.example.com/a", { ...slow, resolve })).rejects.toEqual(
      refused(504, /audio\.example\.com did not answer/),
    );
    await expect.poll(upstream.left).toBe(1);
  });

  test("does not wait for the body in the time for the headers", async () => {
    const upstream = await upstreamOf((_, response) => {
      response.writeHead(200).write("au");
      setTimeout(() => response.end("dio"), 250);
    });
    expect(await textOf(await open(`${upstream.url}/a`, { apiUrl: upstream.url, headersMs: 100 }))).toBe(
      "audio",
    );
  });

  test("that fails is told without the link", async () => {
    const { url, stop } = await startUpstream(() => {});
    await stop();
    const failed = await open(`${url}/secret-path`, { apiUrl: url }).catch((error: unknown) => error);
    expect(failed).toEqual(refused(502, /cannot be reached \(ECONNREFUSED\)/));
    expect(JSON.stringify(failed, Object.getOwnPropertyNames(failed))).not.toContain("secret-path");
  });

  test("ends when the listener leaves, before the headers and after", async () => {
    const upstream = await upstreamOf((request, response) => {
      if (request.url === "/b") response.writeHead(200).write("au");
    });
    for (const path of ["/a", "/b"]) {
      const leaving = new AbortController();
      const asked = open(`${upstream.url}${path}`, { apiUrl: upstream.url, signal: leaving.signal });
      await expect.poll(() => upstream.requests.length).toBe(path === "/a" ? 1 : 2);
      if (path === "/b") await asked;
      leaving.abort();
      if (path === "/a") await expect(asked).rejects.toThrow(/abort/i);
      else await expect(textOf(await asked)).rejects.toThrow(/abort/i);
    }
    await expect.poll(upstream.left).toBe(2);
  });
});

test("a pattern stands for the names below it, not for itself", () => {
  expect(isHostIn("a.b.example.com", ["*.example.com"])).toBe(true);
  expect(isHostIn("example.com", ["*.example.com"])).toBe(false);
  expect(isHostIn("notexample.com", ["*.example.com"])).toBe(false);
});

test.each(["*", "*.com", "10.0.0.1", "localhost", "a b.com", "https://example.com", "example.com:80", ""])(
  "the settings refuse the host %j",
  (host) => expect(hostList.safeParse([host]).success).toBe(false),
);

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
