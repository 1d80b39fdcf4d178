import type { Readable } from "node:stream";

/** A listener's request. `headers`: `range` and `if-range`, if present. */
export type AudioRequest = { headers: Readonly<Record<string, string>>; signal: AbortSignal };

/** The answer for a recording, of any status. `headers`: lower-case names. `body`: must be read or destroyed. */
export type AudioReply = { status: number; headers: Readonly<Record<string, string>>; body: Readable };

const page = /^(text\/html|application\/(\w+\+)?(json|xml)|text\/xml)\b/i;

/** Whether it is a web page or an error text instead of audio. Storage services label audio with any other type. */
export function isPage({ headers }: Pick<AudioReply, "headers">): boolean {
  return page.test(headers["content-type"] ?? "");
}

/** Whether it is audio, whole or in part. */
export function isAudio(reply: AudioReply): boolean {
  return (reply.status === 200 || reply.status === 206) && !isPage(reply);
}
