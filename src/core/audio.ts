import type { Readable } from "node:stream";

/** What a listener asks for. `headers`: `range` and `if-range`, when there are any. */
export type AudioRequest = { headers: Readonly<Record<string, string>>; signal: AbortSignal };

/** The answer for a recording, whatever its status. `headers`: lower-case names. `body`: to be read, or destroyed. */
export type AudioReply = { status: number; headers: Readonly<Record<string, string>>; body: Readable };
