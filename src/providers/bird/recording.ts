import { ProviderError, Rejected } from "../../core/errors.ts";
import type { AudioReply, AudioRequest } from "../../core/recording.ts";
import { textAt } from "../../lib/body.ts";
import { openOutside } from "../../lib/outbound.ts";
import { birdApi, lacks, usualApiUrl } from "./api.ts";
import type { BirdSettings } from "./settings.ts";
import { recordingIdOf } from "./wire.ts";

/** Bird's own hosts; according to its documents, media are at `media.api.bird.com` (2026). */
const hosts = ["*.bird.com", "*.messagebird.com"];
/** Half of the 600 s for which Bird's links are valid. */
const cachedMs = 300_000;
const requestMs = 10_000;

/**
 * Opens recordings by the link that Bird returns for each of them. A link is cached for a while, since a player
 * requests many ranges; a refused one is requested again. The access key is never sent to the link's host.
 */
export function createRecordings(now: () => number, mostCached = 1_000) {
  const links = new Map<string, { link: string; until: number }>();

  return async (ref: string, settings: BirdSettings, request: AudioRequest): Promise<AudioReply> => {
    const id = recordingIdOf(ref);
    if (id === undefined) throw new Rejected(404, "this call's recording is none of Bird's: replay the call");
    const missing = lacks(settings);
    if (missing !== undefined) throw new Rejected(502, `Bird cannot be asked for the recording. ${missing}`);
    const { apiUrl, workspaceId, apiKey } = settings;
    const key = JSON.stringify([apiUrl, workspaceId, apiKey, id]);
    const known = links.get(key);
    if (known && known.until > now()) {
      const reply = await openLink(known.link, settings, request);
      if (![401, 403, 404].includes(reply.status)) return reply;
      reply.body.destroy();
    }
    const link = await linkOf(id, settings, request.signal);
    links.delete(key);
    links.set(key, { link, until: now() + cachedMs });
    for (const oldest of links.keys()) {
      if (links.size <= mostCached) break;
      links.delete(oldest);
    }
    return openLink(link, settings, request);
  };
}

async function linkOf(id: string, settings: BirdSettings, signal: AbortSignal): Promise<string> {
  const late = AbortSignal.timeout(requestMs);
  try {
    const recording = await birdApi(settings, AbortSignal.any([signal, late])).one(`recordings/${id}`);
    const link = recording && textAt(recording, "url");
    if (link) return link;
    throw new Rejected(
      404,
      recording
        ? "Bird has no audio for this recording yet: try again later"
        : "Bird does not have this recording any more: see how long the workspace keeps recordings",
    );
  } catch (cause) {
    if (late.aborted && !signal.aborted)
      throw new Rejected(504, `Bird did not answer within ${requestMs / 1000} s: try again later`, { cause });
    if (!(cause instanceof ProviderError)) throw cause;
    const cure = cause.retry === "later" ? "try again later" : "check workspaceId and apiKey of bird";
    throw new Rejected(502, `Bird does not say where the recording is: ${cure}`, { cause });
  }
}

function openLink(link: string, settings: BirdSettings, request: AudioRequest): Promise<AudioReply> {
  const { apiUrl = usualApiUrl, recordingHosts = [] } = settings;
  const allowedHosts = [...hosts, ...recordingHosts, ...signedBucketOf(link)];
  return openOutside(link, { ...request, allowedHosts, apiUrl });
}

/**
 * Bird's links lead to a bucket of Amazon S3 with its signature; the name of the bucket is not known. Any bucket that
 * Bird names is allowed, and no other host of Amazon's.
 */
function signedBucketOf(link: string): string[] {
  if (!URL.canParse(link)) return [];
  const { hostname, searchParams } = new URL(link);
  const isBucket =
    hostname.endsWith(".amazonaws.com") && hostname.split(".").some((label) => /^s3(-|$)/.test(label));
  return isBucket && (searchParams.has("X-Amz-Signature") || searchParams.has("Signature")) ? [hostname] : [];
}
