import type { Readable } from "node:stream";

/** What a listener asks for. `headers`: `range` and `if-range`, when there are any. */
export type AudioRequest = { headers: Readonly<Record<string, string>>; signal: AbortSignal };

/** The answer for a recording, whatever its status. `headers`: lower-case names. `body`: to be read, or destroyed. */
export type AudioReply = { status: number; headers: Readonly<Record<string, string>>; body: Readable };

const page = /^(text\/html|application\/(\w+\+)?(json|xml)|text\/xml)\b/i;

/** A page, or an error in words, in place of audio. Storage services call audio anything else. */
export function isPage({ headers }: Pick<AudioReply, "headers">): boolean {
  return page.test(headers["content-type"] ?? "");
}

/** Whether the audio came, whole or in part. */
export function isAudio(reply: AudioReply): boolean {
  return (reply.status === 200 || reply.status === 206) && !isPage(reply);
}
