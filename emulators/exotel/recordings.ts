import { createHmac } from "node:crypto";
import { serveAudio, toneOf } from "../audio.ts";
import type { EmulatorReply, EmulatorRequest, Route } from "../server.ts";
import type { Calls } from "./calls.ts";

export type RecordingOptions = {
  accountSid: string;
  calls: Calls;
  now: () => number;
  mayListen: (request: EmulatorRequest) => boolean;
};

const signingKey = "exotel-emulator";

/** The path of a recording. */
export function recordingPath(accountSid: string, sid: string): string {
  return `/exotelrecordings/${encodeURIComponent(accountSid)}/${encodeURIComponent(sid)}.mp3`;
}

/** A path that is good for some minutes for whoever has it, in Amazon's way of signing. */
export function preSigned(path: string, now: number, minutes: number): string {
  const query = new URLSearchParams({
    "X-Amz-Date": new Date(now).toISOString().replace(/[-:]|\.\d+/g, ""),
    "X-Amz-Expires": String(minutes * 60),
  });
  query.set("X-Amz-Signature", signatureOf(path, query));
  return `${path}?${query}`;
}

/**
 * Recordings want the API's Basic auth or a signature, never both: Amazon refuses two ways of signing in. Until one is
 * made there is none. unverified: whether Exotel says 404 or 403 for it, and what it says without credentials.
 */
export function recordingRoute({ accountSid, calls, now, mayListen }: RecordingOptions): Route {
  return {
    method: "GET",
    path: /\/exotelrecordings\/([^/]+)\/([^/]+)\.mp3/,
    kind: "recording",
    handle(request) {
      const refused = request.query.has("X-Amz-Signature")
        ? checkSignature(request, now())
        : checkLogin(request);
      if (refused) return refused;
      const [account, sid = ""] = request.params;
      const placed = account === accountSid ? calls.find(sid) : undefined;
      if (placed?.recordedAt === undefined || now() < placed.recordedAt)
        return xmlError(404, "NoSuchKey", "The specified key does not exist.");
      return serveAudio(request, toneOf(sid, placed.call.talkSeconds));
    },
  };

  function checkLogin(request: EmulatorRequest): EmulatorReply | undefined {
    if (mayListen(request)) return undefined;
    return {
      status: 401,
      headers: { "www-authenticate": 'Basic realm="Exotel"' },
      text: "Authorization Required",
    };
  }
}

function checkSignature({ path, query, headers }: EmulatorRequest, now: number): EmulatorReply | undefined {
  if (headers["authorization"] !== undefined)
    return xmlError(400, "InvalidArgument", "Only one auth mechanism allowed");
  const unsigned = new URLSearchParams(query);
  unsigned.delete("X-Amz-Signature");
  if (signatureOf(path, unsigned) !== query.get("X-Amz-Signature"))
    return xmlError(403, "SignatureDoesNotMatch", "The signature we calculated does not match");
  const [, day, time] = /^(\d{8})T(\d{6})Z$/.exec(query.get("X-Amz-Date") ?? "") ?? [];
  const signedAt = Date.parse(
    `${day?.replace(/(....)(..)(..)/, "$1-$2-$3")}T${time?.replace(/(..)(..)(..)/, "$1:$2:$3")}Z`,
  );
  const expired = now >= signedAt + Number(query.get("X-Amz-Expires")) * 1000;
  return expired ? xmlError(403, "AccessDenied", "Request has expired") : undefined;
}

function signatureOf(path: string, query: URLSearchParams): string {
  return createHmac("sha256", signingKey).update(`${path}?${query}`).digest("hex");
}

function xmlError(status: number, code: string, message: string): EmulatorReply {
  const text = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, text, headers: { "content-type": "application/xml" } };
}
