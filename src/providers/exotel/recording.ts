import type { AudioReply, AudioRequest } from "../../core/audio.ts";
import { isAtApi, isHostIn, openOutside } from "../../lib/outbound.ts";

/** `apiKey`, `apiToken`: of Exotel's API, for recordings behind Basic auth. `recordingHosts`: more hosts that may be asked. */
export type RecordingSettings = {
  apiKey?: string | undefined;
  apiToken?: string | undefined;
  apiUrl?: string | undefined;
  recordingHosts?: string[] | undefined;
};

const exotelHosts = ["exotel.com", "*.exotel.com"];
/** Exotel's bucket by its own name, and the shared host where the bucket stands first in the path. */
const bucketHosts = [
  "exotelrecordings.s3-ap-southeast-1.amazonaws.com",
  "exotelrecordings.s3.ap-southeast-1.amazonaws.com",
  "exotelrecordings.s3.amazonaws.com",
];
const sharedHosts = ["s3-ap-southeast-1.amazonaws.com", "s3.ap-southeast-1.amazonaws.com"];

/** The audio of a call, with Basic auth where it is Exotel's to ask for it. Not verified: which accounts need it. */
export async function openRecording(
  ref: string,
  { apiKey, apiToken, apiUrl, recordingHosts = [] }: RecordingSettings,
  request: AudioRequest,
): Promise<AudioReply> {
  const allowedHosts = [...exotelHosts, ...bucketHosts, ...sharedHosts, ...recordingHosts];
  const open = (credentials?: Record<string, string>) =>
    openOutside(ref, { ...request, allowedHosts, apiUrl, credentials });
  const asks = URL.canParse(ref) && mayAskForCredentials(new URL(ref), apiUrl);
  if (!asks || apiKey === undefined || apiToken === undefined) return open();
  const pair = Buffer.from(`${apiKey}:${apiToken}`).toString("base64");
  const reply = await open({ authorization: `Basic ${pair}` });
  // Amazon answers 400 to any Authorization that is not its own. Not verified: what Exotel's bucket does.
  if (reply.status !== 400) return reply;
  reply.body.destroy();
  return open();
}

/** Credentials go to Exotel and to its bucket only, over https, and never beside a signature in the link. */
function mayAskForCredentials(url: URL, apiUrl: string | undefined): boolean {
  if (isSigned(url)) return false;
  if (isAtApi(url, apiUrl)) return true;
  const isShared = isHostIn(url.hostname, sharedHosts) && url.pathname.startsWith("/exotelrecordings/");
  return url.protocol === "https:" && (isShared || isHostIn(url.hostname, [...exotelHosts, ...bucketHosts]));
}

function isSigned({ searchParams }: URL): boolean {
  return searchParams.has("Signature") || searchParams.has("X-Amz-Signature");
}
