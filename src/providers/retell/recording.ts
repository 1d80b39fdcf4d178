import type { AudioReply, AudioRequest } from "../../core/recording.ts";
import { openOutside } from "../../lib/outbound.ts";
import { callById } from "./api.ts";
import { recordingLinkOf } from "./facts.ts";
import type { RetellSettings } from "./settings.ts";

/** The hosts of recordings in the vendor's samples and public deliveries (2024-2026). */
const hosts = [
  "retellai.s3.us-west-2.amazonaws.com",
  "retellai.s3.amazonaws.com",
  "dxc03zgurdly9.cloudfront.net",
  "*.retellai.com",
];

/** The statuses of a link that has expired, or whose file has moved. */
const stale: ReadonlySet<number> = new Set([401, 403, 404, 410]);

/** Short, since a listener waits. */
const freshMs = 10_000;

/**
 * The audio of a call. The link is its own credential: the API key is not sent with it. For an expired link (a signed
 * one after 24 hours; older pages say 10 minutes for agents that store nothing) a fresh one is requested from the API.
 */
export async function openRecording(
  ref: string,
  settings: RetellSettings,
  request: AudioRequest,
  call?: { callId: string; expired?: boolean },
): Promise<AudioReply> {
  const { apiUrl, recordingHosts = [] } = settings;
  const open = (link: string) =>
    openOutside(link, { ...request, allowedHosts: [...hosts, ...recordingHosts], apiUrl });
  const early = call?.expired ? await freshLink(call.callId, settings, request.signal) : undefined;
  const reply = await open(early ?? ref);
  if (!call || call.expired || !stale.has(reply.status)) return reply;
  const late = await freshLink(call.callId, settings, request.signal);
  if (late === undefined || late === ref) return reply;
  reply.body.destroy();
  return open(late);
}

/** Undefined when the API does not have one: the response of the old link then stands. */
async function freshLink(
  callId: string,
  settings: RetellSettings,
  signal: AbortSignal,
): Promise<string | undefined> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(freshMs)]);
  const call = await callById(settings, callId, within).catch((error: unknown) => {
    if (signal.aborted) throw error;
    return undefined;
  });
  return call && recordingLinkOf(call);
}
