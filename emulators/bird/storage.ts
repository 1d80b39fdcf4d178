import { createHash, createHmac, randomBytes } from "node:crypto";
import { serveAudio, toneOf } from "../audio.ts";
import type { EmulatorReply, Route } from "../contract.ts";
import type { PlacedCall } from "./call.ts";

/** For how long a link is good. */
const linkSeconds = 600;

/** The bucket with the audio: signed links as Amazon S3 makes and checks them, near enough for whoever follows one. */
export function createStorage(now: () => number, byRecording: (id: string) => PlacedCall | undefined) {
  const key = randomBytes(32);
  let made: { id: string; audio: Buffer } | undefined;
  const route: Route = {
    method: "GET",
    path: /\/voice-recordings\/([\w-]+)\.wav/,
    kind: "audio",
    handle(request) {
      const { params, query, headers } = request;
      const [id = ""] = params;
      const date = query.get("X-Amz-Date") ?? "";
      // Amazon refuses two proofs at once.
      if (headers["authorization"] !== undefined) return problem(400, "InvalidArgument");
      if (query.get("X-Amz-Signature") !== sign(id, date)) return problem(403, "SignatureDoesNotMatch");
      if (now() >= timeOf(date) + linkSeconds * 1000) return problem(403, "AccessDenied");
      const call = byRecording(id);
      if (call?.recordingAt(now())?.["status"] !== "available") return problem(404, "NoSuchKey");
      if (made?.id !== id) made = { id, audio: toneOf(call.id, call.seconds) };
      return serveAudio(request, made.audio);
    },
  };
  return {
    route,
    /** A link that is good from now on. */
    linkTo(base: string, recordingId: string): string {
      const date = new Date(now()).toISOString().replace(/[-:]|\.\d{3}/g, "");
      const query = new URLSearchParams({
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Date": date,
        "X-Amz-Expires": String(linkSeconds),
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Signature": sign(recordingId, date),
      });
      return `${base}/voice-recordings/${recordingId}.wav?${query}`;
    },
    /** The fingerprint of the whole audio of a call. */
    sumOf: ({ id, seconds }: PlacedCall) => createHash("sha256").update(toneOf(id, seconds)).digest("hex"),
  };

  function sign(id: string, date: string): string {
    return createHmac("sha256", key).update(`${id}\n${date}`).digest("hex");
  }
}

function timeOf(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
}

function problem(status: number, code: string): EmulatorReply {
  return {
    status,
    headers: { "content-type": "application/xml" },
    bytes: Buffer.from(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`),
  };
}
