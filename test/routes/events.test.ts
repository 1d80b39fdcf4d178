import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import express from "express";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Access } from "../../src/access/index.ts";
import type { Principal } from "../../src/core/principal.ts";
import { eventRoutes } from "../../src/routes/events.ts";
import { mountRoutes } from "../../src/routes/route.ts";
import { createLive } from "../../src/server/live.ts";
import { inboundCall, scriptOf, sendAll } from "../support/calls.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.stop());

/** Reads until the text has what is looked for. */
async function readUntil(body: ReadableStream<Uint8Array> | null, wanted: RegExp): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (wanted.test(text)) return text;
  }
  throw new Error(`the stream ended without ${wanted}:\n${text}`);
}

describe("GET /api/events", () => {
  test("tells of calls as they change", async () => {
    const response = await fetch(`${server.url}/api/events`);
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    const heard = readUntil(response.body, /"state":"logged"/);
    await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id: "one" })));
    const events = (await heard).split("\n\n").filter((event) => event.startsWith("event: call\ndata: "));
    const calls = events.map(
      (event) => JSON.parse(event.slice(event.indexOf("{"))) as Record<string, unknown>,
    );
    expect(new Set(calls.map(({ key }) => key))).toEqual(new Set(["acme:voys:one"]));
    expect(calls.at(-1)).toMatchObject({ state: "logged", installation: "acme" });
  });

  test("forgets whoever goes away", async () => {
    const { url, listeners, close } = await stream();
    const gone = new AbortController();
    await fetch(url, { signal: gone.signal });
    expect(listeners()).toBe(1);
    gone.abort();
    await waitFor("nobody to listen", () => listeners() === 0);
    close();
  });

  test("drops whoever does not read, before their unread events fill the memory", async () => {
    const { url, listeners, tell, close } = await stream();
    const { hostname, port, pathname } = new URL(url);
    const socket = connect(Number(port), hostname).pause();
    socket.write(`GET ${pathname} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    await waitFor("somebody to listen", () => listeners() === 1);
    await waitFor("the reader to be dropped", async () => {
      await tell();
      return listeners() === 0;
    });
    socket.destroy();
    close();
  });
});

test("the stream of a session that was ended ends with its next heartbeat", async () => {
  const { url, listeners, end, close } = await stream(20);
  const response = await fetch(url);
  const reading = response.text();
  await waitFor("the listener", () => listeners() === 1);
  end();
  expect(await reading).toContain(": still here");
  await waitFor("it to be gone", () => listeners() === 0);
  close();
});

/** The events of a store of their own, with a count of who listens. `tell`: 100 kB of them. */
async function stream(heartbeatMs?: number) {
  const live = createLive();
  let listeners = 0;
  const listen: typeof live.listen = (listener) => {
    const stop = live.listen(listener);
    listeners += 1;
    return () => {
      listeners -= 1;
      stop();
    };
  };
  const app = express();
  let isOpen = true;
  const access = { sessions: { isOpen: async () => isOpen } } as unknown as Access;
  const principal: Principal = { role: "viewer", listen: false, name: "", signedInBy: "" };
  mountRoutes(app, eventRoutes({ live: { ...live, listen }, access }, heartbeatMs), {
    guard: (_, response, next) => {
      response.locals["principal"] = principal;
      next();
    },
    handle: async ({ handle }, request, response) => void (await handle(request, response)),
  });
  const http = app.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const call = { key: "k".repeat(1_000), installation: "acme", revision: 1, state: "logged" } as const;
  return {
    url: `http://127.0.0.1:${port}/api/events`,
    listeners: () => listeners,
    end: () => {
      isOpen = false;
    },
    tell: () => live.publish(Array.from({ length: 100 }, () => call)),
    close() {
      http.close();
      http.closeAllConnections();
    },
  };
}
