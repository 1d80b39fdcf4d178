import type { EmulatorReply, EmulatorRequest, Route } from "../contract.ts";
import type { ProviderEmulator } from "../provider.ts";
import { startServer } from "../server.ts";
import { type PlacedCall, placeCall } from "./call.ts";
import { type Listed, pageOf, readSpan } from "./lists.ts";
import { notFound, tooMany, unauthorized } from "./refusals.ts";
import { createStorage } from "./storage.ts";

export type BirdOptions = {
  now?: () => number;
  port?: number;
  workspaceId?: string;
  accessKey?: string;
  signingKey?: string;
  /** GET requests of the workspace in any second of its clock; `false`: as many as one likes. */
  requestsPerSecond?: number | false;
};

export type BirdEmulator = ProviderEmulator & {
  /** The fingerprint of the audio of a call's recording, and its id. */
  recordingOf(callId: string): { id: string; sha256: string };
};

/**
 * Bird's channels voice: the calls log, one call, recordings and the bucket they lie in. Ids of calls are taken as they
 * come, although Bird's own are UUIDs, so that made-up calls may have any.
 */
export async function startBird(options: BirdOptions = {}): Promise<BirdEmulator> {
  const { now = Date.now, port, requestsPerSecond = 50 } = options;
  const { workspaceId = "07817c84-ed36-45be-8d6d-b6d432ca8f0b", accessKey = "bird-access-key" } = options;
  const calls = new Map<string, PlacedCall>();
  const byRecording = new Map<string, PlacedCall>();
  const storage = createStorage(now, (id) => byRecording.get(id));
  const askedAt: number[] = [];

  const emulator = await startServer({
    now,
    ...(port !== undefined && { port }),
    routes: [
      workspaceRoute("channels/calls", "calls log", ({ query }) => pageOf(logOf(query), query, 1_000)),
      workspaceRoute("channels/([^/]+)/calls/([^/]+)", "call", ({ params: [, channelId, id = ""] }) => {
        const call = calls.get(id);
        const row = call && call.channelId === channelId ? call.callAt(now()) : undefined;
        return row ? { status: 200, body: row } : notFound;
      }),
      workspaceRoute("recordings", "recordings", ({ query }) => pageOf(recordingsOf(query), query, 99)),
      workspaceRoute("recordings/([^/]+)", "recording", ({ params: [, id = ""] }) => {
        const call = byRecording.get(id);
        const found = call && listedRecording(call);
        return found ? { status: 200, body: found.row } : notFound;
      }),
      storage.route,
    ],
    before: check,
    notFound: () => notFound,
    objects: () => ({ calls: calls.size }),
  });

  return Object.assign(emulator, {
    settings: {
      signingKey: options.signingKey ?? "bird-signing-key",
      workspaceId,
      apiKey: accessKey,
      apiUrl: emulator.url,
    },
    place(...[call, placed]: Parameters<ProviderEmulator["place"]>) {
      const made = placeCall(call, placed);
      calls.set(made.id, made);
      byRecording.set(made.recordingId, made);
    },
    recordingOf(callId: string) {
      const call = calls.get(callId);
      if (!call) throw new Error(`no call ${callId} was placed`);
      return { id: call.recordingId, sha256: storage.sumOf(call) };
    },
  });

  function check({ headers }: EmulatorRequest, route: Route | undefined): EmulatorReply | undefined {
    if (route?.kind === "audio") return undefined;
    if (headers["authorization"] !== `AccessKey ${accessKey}`) return unauthorized;
    if (requestsPerSecond === false) return undefined;
    const at = now();
    while (askedAt[0] !== undefined && askedAt[0] <= at - 1_000) askedAt.shift();
    if (askedAt.length >= requestsPerSecond) return tooMany;
    askedAt.push(at);
    return undefined;
  }

  /** unverified: that a key cannot tell another workspace from none. */
  function workspaceRoute(rest: string, kind: string, handle: Route["handle"]): Route {
    return {
      method: "GET",
      path: new RegExp(`/workspaces/([^/]+)/${rest}`),
      kind,
      handle: (request) => (request.params[0] === workspaceId ? handle(request) : notFound),
    };
  }

  function logOf(query: URLSearchParams): Listed[] {
    const span = readSpan(query);
    return [...calls.values()].flatMap((call) => {
      const { id, madeAt } = call;
      const row = span.holds(madeAt) && isAskedFor(query, "id", id) ? call.callAt(now()) : undefined;
      const names = ["channelId", "status", "direction", "from", "to", "type"];
      return row && names.every((name) => isAskedFor(query, name, row[name]))
        ? [{ at: madeAt, id, row }]
        : [];
    });
  }

  function recordingsOf(query: URLSearchParams): Listed[] {
    const span = readSpan(query);
    return [...byRecording.values()].flatMap((call) => {
      if (!isAskedFor(query, "sourceId", call.id) || !isAskedFor(query, "id", call.id)) return [];
      const found = listedRecording(call);
      return found && span.holds(found.at) ? [found] : [];
    });
  }

  function listedRecording(call: PlacedCall): Listed | undefined {
    const row = call.recordingAt(now());
    if (!row) return undefined;
    const id = call.recordingId;
    const url = row["status"] === "available" ? storage.linkTo(emulator.url, id) : undefined;
    return { at: Date.parse(String(row["createdAt"])), id, row: { ...row, ...(url && { url }) } };
  }
}

/** A filter that is not there lets everything through; one that comes several times, each of its values. */
function isAskedFor(query: URLSearchParams, name: string, value: unknown): boolean {
  const asked = query.getAll(name);
  return asked.length === 0 || asked.includes(String(value));
}
