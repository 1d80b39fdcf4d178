import { createHash } from "node:crypto";
import { once } from "node:events";
import { get, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import type { AudioLimits } from "../../src/routes/audio.ts";
import { playRecording, servedWith } from "../support/recorded.ts";
import { fileServer } from "../support/upstream.ts";

const world = playRecording();
const { play, warnings } = world;
const withLimits = (limits: Partial<AudioLimits>, work: (url: string) => Promise<void>) =>
  servedWith(world.server().parts, limits, (url) => work(`${url}${world.path()}`));

describe("a stream", () => {
  test("ends at the provider when the listener leaves", async () => {
    world.answer = (_, response) => void response.writeHead(200).write("au");
    const leaving = new AbortController();
    const before = world.upstream().left();
    const response = await play({ signal: leaving.signal });
    expect(response.status).toBe(200);
    leaving.abort();
    await expect.poll(world.upstream().left).toBe(before + 1);
    await pause(20);
    expect(warnings).toEqual([]);
  });

  test("ends when the listener leaves before there is an answer", async () => {
    const asked = world.upstream().requests.length;
    const before = world.upstream().left();
    world.answer = () => {};
    const leaving = new AbortController();
    const response = play({ signal: leaving.signal });
    await expect.poll(() => world.upstream().requests.length).toBe(asked + 1);
    leaving.abort();
    await expect(response).rejects.toThrow();
    await expect.poll(world.upstream().left).toBe(before + 1);
  });

  test("that breaks off at the provider breaks off at the listener", async () => {
    world.answer = (_, response) => {
      response.writeHead(200, { "content-length": 10 }).write("au");
      setTimeout(() => response.destroy(), 20);
    };
    await expect((await play()).arrayBuffer()).rejects.toThrow();
  });

  test.each(["", "au"])("is cut when the provider falls silent after %j", async (said) => {
    world.answer = (_, response) => {
      response.writeHead(200).flushHeaders();
      if (said) response.write(said);
    };
    await withLimits({ idleMs: 100 }, async (url) => {
      await expect((await fetch(url)).arrayBuffer()).rejects.toThrow();
    });
    expect(JSON.stringify(warnings)).toMatch(/call.*acme:exotel/);
  });

  test("is cut when the listener takes nothing for too long", async () => {
    world.answer = fileServer(Buffer.alloc(40_000_000));
    const before = world.upstream().left();
    await withLimits({ listenerIdleMs: 200 }, async (url) => {
      const stalled = await new Promise<IncomingMessage>((resolve) => get(url, resolve));
      await expect.poll(world.upstream().left).toBe(before + 1);
      await expect(stalled.toArray()).rejects.toThrow();
    });
  });

  test("that is slow but alive is not cut", async () => {
    world.answer = (_, response) => {
      response.writeHead(200);
      let sent = 0;
      const timer = setInterval(() => {
        response.write("a");
        sent += 1;
        if (sent === 6) clearInterval(timer);
        if (sent === 6) response.end();
      }, 60);
    };
    await withLimits({ idleMs: 200 }, async (url) => expect(await (await fetch(url)).text()).toBe("aaaaaa"));
  });

  test("is refused when it is announced as too large, and cut when it turns out so", async () => {
    await withLimits({ bytes: 1_000_000 }, async (url) => {
      world.answer = fileServer(Buffer.alloc(1_000_001));
      for (const headers of [{}, { range: "bytes=0-9" }]) {
        expect((await fetch(url, { headers })).status).toBe(502);
      }
      world.answer = (_, response) => void response.writeHead(200).end(Buffer.alloc(1_500_000));
      await expect((await fetch(url)).arrayBuffer()).rejects.toThrow();
      world.answer = fileServer(Buffer.alloc(1_000_000));
      expect((await (await fetch(url)).arrayBuffer()).byteLength).toBe(1_000_000);
    });
  });

  test("leaves room for others: too many at once are asked to wait, and may come when one has ended", async () => {
    const open: ServerResponse[] = [];
    world.answer = (_, response) => {
      open.push(response.writeHead(200));
      response.write("au");
    };
    await withLimits({ listeners: 2 }, async (url) => {
      const playing = [await fetch(url), await fetch(url)];
      expect((await fetch(url)).status).toBe(503);
      for (const response of open) response.end();
      for (const response of playing) await response.text();
      world.answer = fileServer(Buffer.from("audio"));
      await expect.poll(async () => (await fetch(url)).status).toBe(200);
    });
  });
});

test("50 MB pass through bounded memory: the provider waits for a listener that does not read", async () => {
  const chunk = Buffer.alloc(65_536, "audio");
  const chunks = 800;
  const hash = createHash("sha256");
  let sent = 0;
  world.answer = async (_, response) => {
    response.writeHead(200, { "content-length": chunk.length * chunks });
    for (; sent < chunks; sent += 1) {
      hash.update(chunk);
      if (!response.write(chunk)) await once(response, "drain");
    }
    response.end();
  };
  const response = await new Promise<IncomingMessage>((resolve) =>
    get(`${world.server().url}${world.path()}`, resolve),
  );
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const used = () => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  await expect.poll(() => sent).toBeGreaterThan(10);
  await pause(500);
  const waiting = sent;
  expect(waiting * chunk.length).toBeLessThan(25_000_000);
  const before = used();
  let most = 0;
  let parts = 0;
  const received = createHash("sha256");
  for await (const part of response) {
    received.update(part as Buffer);
    parts += 1;
    if (parts % 50 === 0) most = Math.max(most, used() - before);
  }
  expect(parts).toBeGreaterThan(100);
  expect(received.digest("hex")).toBe(hash.digest("hex"));
  // What is collected is given back a little later; all of it would be 52 MB.
  expect(most).toBeLessThan(30_000_000);
});
