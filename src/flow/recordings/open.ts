import type { Call } from "../../core/call.ts";
import { Rejected } from "../../core/errors.ts";
import { type Archive, type AudioReply, type AudioRequest, recordingPolicyOf } from "../../core/recording.ts";
import type { TrackedCall } from "../../core/tracked-call.ts";
import type { Flow, Installation } from "../installation.ts";

export type OpenedRecording = { reply: AudioReply; source: "provider" | "archive" };

/** Where recordings of an installation are. The installation may be gone, and there may be no archive. */
type RecordingSource = { flow: Flow; installation: Installation | undefined; archive: Archive | undefined };

const dayMs = 86_400_000;

/**
 * The audio of a call for a listener, from our archive if there is a copy, else from the provider. Throws `Rejected`:
 * 404 for a missing or forbidden recording, 410 for a deleted or expired one, 502 or 504 when the provider fails.
 */
export async function openRecording(
  { flow, installation, archive }: RecordingSource,
  row: TrackedCall,
  request: AudioRequest,
): Promise<OpenedRecording> {
  const { call } = row;
  const configured = installation?.providers[call.provider];
  if (!installation || !configured?.provider.recording)
    throw new Rejected(
      404,
      `the recording cannot be fetched: ${call.installation} has no provider ${call.provider} with recordings in its configuration`,
    );
  refuseUnwanted(flow, installation, row);
  const stored = await flow.store.recording(row.id);
  if (stored?.state === "deleted" || stored?.state === "expired" || stored?.state === "erase")
    throw new Rejected(410, `this recording is no longer stored: ${stored.reason ?? "it was erased"}`);
  if (stored?.place !== undefined && archive) {
    const reply = await archive.open(stored.place, request);
    if (reply.status !== 404 || !call.recording) return { reply, source: "archive" };
    reply.body.destroy();
  }
  if (!call.recording)
    throw new Rejected(404, "this call has no recording yet: providers send it some minutes after the call");
  const { provider, settings } = configured;
  const reply = await provider.recording?.(call.recording.ref, settings, request, linkOf(call, flow.now()));
  if (!reply) throw new Rejected(404, `${provider.label} has no recordings`);
  return { reply, source: "provider" };
}

/** What a provider may need to find a newer link to a recording. */
export function linkOf({ callId, recording }: Call, now: number): { callId: string; expired: boolean } {
  const { expiresAt } = recording ?? {};
  return { callId, expired: expiresAt !== undefined && Date.parse(expiresAt) <= now };
}

/** The current policy and link lifetime also apply to links that were given out before. */
function refuseUnwanted({ now }: Flow, { settings }: Installation, { call }: TrackedCall): void {
  if (recordingPolicyOf(settings, call.line) === "none")
    throw new Rejected(404, "recordings of this line are not passed on: its policy for recordings is `none`");
  const ended = Date.parse(call.endedAt ?? call.startedAt ?? "");
  const { recordingLinkDays } = settings;
  if (recordingLinkDays !== undefined && ended + recordingLinkDays * dayMs <= now())
    throw new Rejected(410, `links to recordings play for ${recordingLinkDays} days after the call`);
}
