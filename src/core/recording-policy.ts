import type { FoldedCall } from "./call.ts";
import { identityOf } from "./phone.ts";
import type { InstallationSettings, RecordingPolicy } from "./settings.ts";

type Settings = Pick<InstallationSettings, "recording" | "recordingLines" | "region">;

/**
 * What may be done with the recording of a call on this line. A call whose line nobody told, where lines differ, is
 * treated as the strictest of them: consent that is not known was not given.
 */
export function recordingPolicyOf(settings: Settings, line: string | undefined): RecordingPolicy {
  const { recording, recordingLines, region } = settings;
  const others = Object.values(recordingLines);
  if (others.length === 0) return recording;
  const number = identityOf(line, region) ?? line;
  if (number !== undefined)
    return Object.hasOwn(recordingLines, number) ? (recordingLines[number] ?? recording) : recording;
  if (others.includes("none")) return "none";
  return others.includes("link") ? "link" : recording;
}

/** The call as it may be kept: without its recording where that is not wanted. */
export function withoutUnwanted<C extends FoldedCall>(settings: Settings, call: C): C {
  if (!call.recording || recordingPolicyOf(settings, call.line) !== "none") return call;
  const { recording: _, ...rest } = call;
  return rest as C;
}
