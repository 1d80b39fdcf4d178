import { once } from "node:events";
import type { RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { afterAll, afterEach, beforeAll } from "vitest";
import { callKey } from "../../src/core/call.ts";
import type { SimulatedCall, SimulatedRequest } from "../../src/core/provider.ts";
import { type AudioLimits, usualLimits } from "../../src/routes/audio.ts";
import { recordingRoutes } from "../../src/routes/recordings.ts";
import { mountRoutes } from "../../src/routes/route.ts";
import { createRules } from "../../src/routes/rules.ts";
import type { Parts } from "../../src/server/assemble.ts";
import { inboundCall, type ProviderId, scriptOf, sendAll, settledActivities } from "./calls.ts";
import { publicUrl, type ServerOptions, startServer, type TestServer } from "./server.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

/** A server whose providers have their recordings at `upstream`. */
export function startRecordingServer(upstream: Upstream, options: ServerOptions = {}): Promise<TestServer> {
  const exotel = { secret: "exotel-secret", apiKey: "exo-key", apiToken: "exo-token", apiUrl: upstream.url };
  const retell = { apiKey: "retell-secret", apiUrl: upstream.url };
  return startServer({ ...options, settings: { providers: { exotel, retell }, ...options.settings } });
}

/** What a provider sends of a call whose recording is at `ref`. */
export function scriptWithRecording(
  server: TestServer,
  provider: ProviderId,
  call: SimulatedCall,
  ref: string,
): SimulatedRequest[] {
  return scriptOf(server, provider, call).map((request) => ({
    ...request,
    body: Buffer.from(
      Buffer.from(request.body)
        .toString()
        .replace(/https:\/\/recordings\.[^"\r]+/g, ref),
    ),
  }));
}

/** Makes a call whose recording is at `ref`, and gives its key and the path of the link that the CRM got. */
export async function recordedCall(server: TestServer, provider: ProviderId, ref: string) {
  const call = inboundCall(provider);
  const { length } = server.crm().activities;
  await sendAll(server, provider, scriptWithRecording(server, provider, call, ref));
  const key = callKey("acme", provider, call.id);
  const activities = await settledActivities(server, length + 1);
  const url = activities.find((activity) => activity["key"] === key)?.["recordingUrl"];
  if (typeof url !== "string" || !url.startsWith(`${publicUrl}/`)) throw new Error(`no link of ours: ${url}`);
  return { key, url, path: url.slice(publicUrl.length) };
}

/** For the tests of a file: a recording of Exotel whose storage is played by `answer`. */
export function playRecording() {
  const notThereYet: RequestListener = (_, response) => response.writeHead(404).end();
  const warnings: unknown[][] = [];
  let upstream: Upstream;
  let server: TestServer;
  let path: string;
  const world = {
    answer: notThereYet,
    warnings,
    upstream: () => upstream,
    server: () => server,
    path: () => path,
    play: (init: RequestInit = {}) => fetch(`${server.url}${path}`, init),
  };
  beforeAll(async () => {
    upstream = await startUpstream((request, response) => world.answer(request, response));
    const log = { warn: (...line: unknown[]) => void warnings.push(line) };
    server = await startRecordingServer(upstream, { log });
    ({ path } = await recordedCall(server, "exotel", `${upstream.url}/secret-place.mp3`));
  });
  afterAll(async () => {
    await server.stop();
    await upstream.stop();
  });
  afterEach(() => void warnings.splice(0));
  return world;
}

/** The route alone, with limits of its own, for as long as `work` takes. */
export async function servedWith(
  parts: Parts,
  limits: Partial<AudioLimits>,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const app = express();
  mountRoutes(app, recordingRoutes(parts, { ...usualLimits, ...limits }), createRules(parts));
  const listening = app.listen(0, "127.0.0.1");
  await once(listening, "listening");
  const { port } = listening.address() as AddressInfo;
  try {
    await work(`http://127.0.0.1:${port}`);
  } finally {
    listening.closeAllConnections();
    listening.close();
  }
}
