const frameBytes = 384;
const frameSeconds = 1152 / 48_000;

/**
 * An MP3 of silence as phone systems make them, without a table of its length: MPEG-1 layer III, mono, 48 kHz,
 * 128 kbit/s. A frame whose side information is all zero has no sound in it.
 */
export function silentMp3(seconds: number): Buffer {
  const frame = Buffer.alloc(frameBytes);
  frame.set([0xff, 0xfb, 0x94, 0xc4]);
  return Buffer.alloc(Math.round(seconds / frameSeconds) * frameBytes, frame);
}
