import type { AgentRef, Outcome } from "../../core/call.ts";
import { isObject, type JsonObject, objectAt, secondsAt } from "../../lib/body.ts";
import { textOf, wordOf } from "./fields.ts";
import { outcomeOf } from "./words.ts";

/** Longer than any of Exotel's own, in characters and in members. */
const longestJson = 10_000;
const mostMembers = 100;
const names = ["Status", "Duration", "RecordingUrl", "DisconnectedBy", "DetailedStatus", "Error"];

/**
 * What a Passthru behind a Voicebot or Stream applet tells of the stream: `Stream[Status]` and the like, or all of it as
 * one JSON text under `Stream` (support article 3000132269). Users' code reads `recording_url` and the like too.
 */
export function streamOf(fields: JsonObject): JsonObject {
  const told = Object.entries(untidyStream(fields)).slice(0, mostMembers);
  return Object.fromEntries(
    names.flatMap((name) => {
      const found = told.find(([key]) => key.toLowerCase().replaceAll("_", "") === name.toLowerCase());
      return found ? [[name, found[1]]] : [];
    }),
  );
}

function untidyStream(fields: JsonObject): JsonObject {
  const text = Object.hasOwn(fields, "Stream") ? fields["Stream"] : undefined;
  if (typeof text !== "string") return objectAt(fields, "Stream");
  if (text.length > longestJson) return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** A caller who hangs up makes the stream `cancelled`; with a duration they have talked with the bot. */
export function streamOutcome(fields: JsonObject): Outcome | undefined {
  const stream = streamOf(fields);
  const outcome = outcomeOf(wordOf(stream, "Status"));
  // `Streaming_call_throttled`: more streams at once than the account may have.
  const hasFailed =
    textOf(stream, "Error") ??
    (/throttled|failed/i.test(textOf(stream, "DetailedStatus") ?? "") || undefined);
  if (outcome === undefined) return hasFailed === undefined ? undefined : "failed";
  const talked = (secondsAt(stream, "Duration") ?? 0) > 0;
  return outcome === "cancelled" && talked ? "completed" : outcome;
}

/** The bot behind the stream. The flow names it, so that the directory can say whose it is. */
export function botOf(fields: JsonObject): AgentRef[] {
  const isTold = ["Stream", "StreamSid", "StreamUrl"].some((name) => Object.hasOwn(fields, name));
  if (!isTold) return [];
  const talked = streamOutcome(fields) === "completed" && secondsAt(streamOf(fields), "Duration") !== 0;
  const id = textOf(fields, "flow_id") ?? "voicebot";
  return [{ ids: [id], name: "Voicebot", kind: "ai", ...(talked && { talked }) }];
}
