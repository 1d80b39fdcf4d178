import type { EmulatorReply, EmulatorRequest } from "./contract.ts";

const rate = 8_000;
const headerBytes = 44;

/** A WAV of that many seconds, 8 kHz, 16 bit, mono: a tone whose pitch tells calls apart. */
export function toneOf(name: string, seconds: number): Buffer {
  const samples = Math.max(1, Math.round(seconds * rate));
  const pitch = 220 + ([...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 660, 7) % 660);
  const wav = Buffer.alloc(headerBytes + samples * 2);
  wav.write("RIFF", 0, "latin1");
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write("WAVEfmt ", 8, "latin1");
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(rate * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36, "latin1");
  wav.writeUInt32LE(samples * 2, 40);
  for (let i = 0; i < samples; i += 1)
    wav.writeInt16LE(Math.round(8_000 * Math.sin((2 * Math.PI * pitch * i) / rate)), headerBytes + i * 2);
  return wav;
}

/** Audio as a storage service serves it: whole, or one range of it. */
export function serveAudio({ headers }: EmulatorRequest, bytes: Buffer, type = "audio/wav"): EmulatorReply {
  const common = { "content-type": type, "accept-ranges": "bytes", etag: `"${bytes.length}"` };
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/.exec(headers["range"] ?? "") ?? [];
  if (!first && !last) return { status: 200, headers: common, bytes };
  const start = first ? Number(first) : Math.max(0, bytes.length - Number(last));
  const end = first && last ? Math.min(Number(last), bytes.length - 1) : bytes.length - 1;
  if (start >= bytes.length || start > end)
    return { status: 416, headers: { ...common, "content-range": `bytes */${bytes.length}` } };
  const range = { "content-range": `bytes ${start}-${end}/${bytes.length}` };
  return { status: 206, headers: { ...common, ...range }, bytes: bytes.subarray(start, end + 1) };
}
