import type { AgentRef, Outcome } from "../../core/call.ts";
import { isObject, type JsonObject, objectAt, secondsAt } from "../../lib/body.ts";
import { textOf, wordOf } from "./fields.ts";
import { outcomeOf } from "./words.ts";

/**
 * What a Passthru behind a Voicebot or Stream applet tells of the stream: `Stream[Status]` and the like, or all of it as
 * one JSON text under `Stream` (support article 3000132269).
 */
export function streamOf(fields: JsonObject): JsonObject {
  const text = Object.hasOwn(fields, "Stream") ? fields["Stream"] : undefined;
  if (typeof text !== "string") return objectAt(fields, "Stream");
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
  if (outcome === undefined) return textOf(stream, "Error") === undefined ? undefined : "failed";
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
