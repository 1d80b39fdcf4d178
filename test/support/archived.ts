import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { ArchiveSettings } from "../../src/archive/settings.ts";
import type { Archive, AudioReply, AudioToKeep } from "../../src/core/recording.ts";

/** `left`: every file that the archive has anywhere. `environment`: what must not matter to it. */
export type ArchiveUnderTest = {
  archive: Archive;
  settings: ArchiveSettings;
  spoolFolder: string;
  environment?: Record<string, string>;
  left(): string[];
  stop(): Promise<void>;
};

/** Bytes that tell where in the recording they are. */
export function audioOf(bytes: number, seed = 1): Buffer {
  const audio = Buffer.alloc(bytes);
  for (let i = 0; i < bytes; i += 1) audio[i] = (i * 31 + (i >> 8) * 7 + seed * 13) % 256;
  return audio;
}

/** A body that comes in parts, as from a network. */
function bodyOf(audio: Buffer, partBytes = 1_000): Readable {
  const parts: Buffer[] = [];
  for (let at = 0; at < audio.length; at += partBytes) parts.push(audio.subarray(at, at + partBytes));
  return Readable.from(parts);
}

export function toKeep(audio: Buffer | Readable, more: Partial<AudioToKeep> = {}): AudioToKeep {
  const body = Buffer.isBuffer(audio) ? bodyOf(audio) : audio;
  return { name: "acme/2026/11/k3x9", type: "audio/mpeg", body, maxBytes: 1_000_000, ...more };
}

export function ask(
  archive: Archive,
  place: string,
  headers: Record<string, string> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<AudioReply> {
  return archive.open(place, { headers, signal });
}

/** The status, headers and bytes of an answer. */
export async function play(archive: Archive, place: string, headers: Record<string, string> = {}) {
  const { body, ...reply } = await ask(archive, place, headers);
  return { ...reply, audio: await buffer(body) };
}

export function newFolder(): string {
  return mkdtempSync(join(tmpdir(), "switchhook-archive-"));
}

/** All files below a folder, links too. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
}
