import type { AudioReply, AudioRequest } from "../../core/recording.ts";
import { isAtApi, isHostIn, openOutside } from "../../lib/outbound.ts";

export type RecordingSettings = {
  /** Of Exotel's API, for recordings behind Basic auth. */
  apiKey?: string | undefined;
  apiToken?: string | undefined;
  /** `https://api.exotel.com` by default. Accounts in Mumbai are at https://api.in.exotel.com; each region refuses the other's keys. */
  apiUrl?: string | undefined;
  /** More hosts that recordings may be fetched from. */
  recordingHosts?: string[] | undefined;
};

const exotelHosts = ["exotel.com", "*.exotel.com"];
/** Exotel's bucket under its own host name. On the shared hosts below, the bucket is the first part of the path. */
const bucketHosts = [
  "exotelrecordings.s3-ap-southeast-1.amazonaws.com",
  "exotelrecordings.s3.ap-southeast-1.amazonaws.com",
  "exotelrecordings.s3.amazonaws.com",
];
const sharedHosts = ["s3-ap-southeast-1.amazonaws.com", "s3.ap-southeast-1.amazonaws.com"];

/** The audio of a call, with Basic auth on Exotel's own hosts. Not verified: which accounts need it. */
export async function openRecording(
  ref: string,
  { apiKey, apiToken, apiUrl, recordingHosts = [] }: RecordingSettings,
  request: AudioRequest,
): Promise<AudioReply> {
  const allowedHosts = [...exotelHosts, ...bucketHosts, ...sharedHosts, ...recordingHosts];
  const open = (credentials?: Record<string, string>) =>
    openOutside(ref, { ...request, allowedHosts, apiUrl, credentials });
  const isPrivate = URL.canParse(ref) && mayReceiveCredentials(new URL(ref), apiUrl);
  if (!isPrivate || apiKey === undefined || apiToken === undefined) return open();
  const pair = Buffer.from(`${apiKey}:${apiToken}`).toString("base64");
  const reply = await open({ authorization: `Basic ${pair}` });
  // Amazon answers 400 to any foreign Authorization header. Not verified: the behaviour of Exotel's bucket.
  if (reply.status !== 400) return reply;
  reply.body.destroy();
  return open();
}

/** Credentials are sent to Exotel and its bucket only, over https, and never with a signature in the link. */
function mayReceiveCredentials(url: URL, apiUrl: string | undefined): boolean {
  if (isSigned(url)) return false;
  if (isAtApi(url, apiUrl)) return true;
  const isShared = isHostIn(url.hostname, sharedHosts) && url.pathname.startsWith("/exotelrecordings/");
  return url.protocol === "https:" && (isShared || isHostIn(url.hostname, [...exotelHosts, ...bucketHosts]));
}

function isSigned({ searchParams }: URL): boolean {
  return searchParams.has("Signature") || searchParams.has("X-Amz-Signature");
}
