import type { FoldedCall } from "./call.ts";
import { identityOf } from "./phone.ts";
import type { InstallationSettings, RecordingPolicy } from "./settings.ts";

type Settings = Pick<InstallationSettings, "recording" | "recordingLines" | "region">;

/**
 * The policy for the recording of a call on this line. Where lines differ and the line of a call is unknown, the strictest
 * of their policies applies: unknown consent is no consent.
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

/** The call as it may be stored: without its recording where the policy is `none`. */
export function withoutUnwanted<C extends FoldedCall>(settings: Settings, call: C): C {
  if (!call.recording || recordingPolicyOf(settings, call.line) !== "none") return call;
  const { recording: _, ...rest } = call;
  return rest as C;
}
