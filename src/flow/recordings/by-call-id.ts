import { Rejected } from "../../core/errors.ts";
import type { Flow, Installation } from "../installation.ts";

/**
 * Our link to the recording of the call that a provider of this installation knows by this id; an id of a leg that was
 * merged into another call leads to that one. Throws `Rejected(404)`.
 */
export async function recordingLinkOf(
  { store, recordingUrl }: Pick<Flow, "store" | "recordingUrl">,
  { settings, providers }: Pick<Installation, "settings" | "providers">,
  callId: string,
): Promise<string> {
  const legs = Object.keys(providers).map((provider) => ({ provider, callId }));
  const found = await store.groupsOf(settings.name, legs);
  const [first] = found;
  if (!first) throw new Rejected(404, `${settings.name} has no call with this id`);
  const { row } = found.find((group) => group.row.call.recording) ?? first;
  const link = row.call.recording && recordingUrl?.(row);
  if (!link) throw new Rejected(404, "this call has no recording, or none yet");
  return link;
}
