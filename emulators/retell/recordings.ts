import { createHmac } from "node:crypto";
import { serveAudio, toneOf } from "../audio.ts";
import type { EmulatorReply, Route } from "../server.ts";
import type { Book } from "./calls.ts";

const dayMs = 86_400_000;
const longestTone = 5;

/** `place`: the URL that links start with. `lifeMs`: of a signed link. */
export type RecordingOptions = {
  now: () => number;
  place: () => string;
  signed: () => boolean;
  lifeMs?: number;
};

/**
 * The files, and links to them. A signed link has its end and its signature in the query, as S3 has; each answer of the
 * API signs anew.
 */
export function createFiles({ now, place, signed, lifeMs = dayMs }: RecordingOptions) {
  const signatureOf = (callId: string, expires: string) =>
    createHmac("sha256", "the storage's own key").update(`${callId}\n${expires}`).digest("hex");

  const isGood = (callId: string, query: URLSearchParams): boolean => {
    if (!signed()) return true;
    const expires = query.get("Expires") ?? "";
    return query.get("Signature") === signatureOf(callId, expires) && Number(expires) >= now();
  };

  return {
    linkOf(callId: string): string {
      const link = `${place()}/${encodeURIComponent(callId)}/recording.wav`;
      if (!signed()) return link;
      const expires = String(now() + lifeMs);
      return `${link}?Expires=${expires}&Signature=${signatureOf(callId, expires)}`;
    },
    route(book: Book): Route {
      return {
        method: "GET",
        path: /\/recordings\/([^/]+)\/recording\.wav/,
        kind: "recording",
        handle(request) {
          const [callId = ""] = request.params;
          if (!isGood(callId, request.query)) return denied(403);
          const call = book.get(callId);
          if (typeof call?.["recording_url"] !== "string") return denied(404);
          const seconds = Math.min(longestTone, Number(call["duration_ms"] ?? 0) / 1000);
          return serveAudio(request, toneOf(callId, seconds));
        },
      };
    },
  };
}

function denied(status: 403 | 404): EmulatorReply {
  const code = status === 403 ? "AccessDenied" : "NoSuchKey";
  const text = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code></Error>`;
  return { status, headers: { "content-type": "application/xml" }, text };
}
