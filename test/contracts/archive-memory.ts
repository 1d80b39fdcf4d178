import { hash } from "node:crypto";
import { Readable } from "node:stream";
import { openArchive } from "../../src/archive/index.ts";
import type { ArchiveSettings } from "../../src/archive/settings.ts";
import { audioOf } from "../support/archived.ts";

/** What the child says: how far its memory grew while it kept a recording, and while it played it. */
export type Growth = { keeping: number; playing: number; bytes: number; isWhole: boolean };

const partBytes = 65_536;

/** Run as a process of its own: `archive-memory.ts <settings> <spool folder> <megabytes>`. */
async function measure(settings: ArchiveSettings, spoolFolder: string, bytes: number): Promise<Growth> {
  const archive = openArchive(settings, { spoolFolder });
  const part = audioOf(partBytes);
  // Whatever is loaded and warmed up only once is not the recording.
  for (let i = 0; i < 3; i += 1) await archive.ready();
  const keeping = watch();
  const body = Readable.from(parts(part, bytes));
  const { place } = await archive.keep({ name: "acme/long", type: "audio/wav", body, maxBytes: bytes });
  const kept = keeping.grown();
  const playing = watch();
  const reply = await archive.open(place, { headers: {}, signal: new AbortController().signal });
  const wanted = hash("sha256", part);
  let played = 0;
  let isWhole = true;
  let rest: Uint8Array = new Uint8Array();
  for await (const chunk of reply.body as AsyncIterable<Uint8Array>) {
    played += chunk.length;
    rest = Buffer.concat([rest, chunk]);
    for (; rest.length >= partBytes; rest = rest.subarray(partBytes))
      isWhole &&= hash("sha256", rest.subarray(0, partBytes)) === wanted;
  }
  await archive.remove(place);
  await archive.close?.();
  return { keeping: kept, playing: playing.grown(), bytes: played, isWhole };
}

async function* parts(part: Buffer, bytes: number): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < bytes; sent += part.length) yield Buffer.from(part);
}

function watch() {
  const start = process.memoryUsage.rss();
  let most = start;
  const look = () => {
    most = Math.max(most, process.memoryUsage.rss());
  };
  const timer = setInterval(look, 5);
  return {
    grown: () => {
      clearInterval(timer);
      look();
      return most - start;
    },
  };
}

if (process.argv[1] === import.meta.filename) {
  const [, , settings = "", spoolFolder = "", megabytes = ""] = process.argv;
  const growth = await measure(JSON.parse(settings), spoolFolder, Number(megabytes) * 1_048_576);
  console.log(JSON.stringify(growth));
}
