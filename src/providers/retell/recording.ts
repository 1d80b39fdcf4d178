import type { AudioReply, AudioRequest } from "../../core/audio.ts";
import { openOutside } from "../../lib/outbound.ts";
import type { RetellSettings } from "./settings.ts";

/** Where the vendor's samples and public deliveries have their recordings (2024-2026). */
const hosts = [
  "retellai.s3.us-west-2.amazonaws.com",
  "retellai.s3.amazonaws.com",
  "dxc03zgurdly9.cloudfront.net",
  "*.retellai.com",
];

/** The audio of a call. The link is its own credential: the API key is never sent along. */
export function openRecording(
  ref: string,
  { apiUrl, recordingHosts = [] }: RetellSettings,
  request: AudioRequest,
): Promise<AudioReply> {
  return openOutside(ref, { ...request, allowedHosts: [...hosts, ...recordingHosts], apiUrl });
}
