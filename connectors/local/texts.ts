/** Some bytes of a buffer: a plain object costs a tenth of what `subarray` does. */
export type Slice = { bytes: Buffer; start: number; end: number };

/**
 * A list of texts, packed as bytes outside the JavaScript heap: 60,000 activities as strings would double the memory of
 * the whole server. A place does not change when texts before it are removed.
 */
export type Texts = {
  /** Adds a slice of these bytes, without copying it. */
  addSlice(bytes: Buffer, start: number, end: number): number;
  add(text: string): number;
  replace(place: number, text: string): void;
  remove(place: number): void;
  get(place: number): Buffer | undefined;
  /** All texts, in order. */
  all(): Generator<Slice>;
  /** The next place. */
  size(): number;
};

const blockBytes = 256 * 1024;

export function packedTexts(): Texts {
  let blocks: Buffer[] = [];
  const starts: number[] = [];
  const lengths: number[] = [];
  let tail = Buffer.alloc(0);
  let used = 0;
  let live = 0;
  let dead = 0;

  /** Copies into the last block, or into a new one. */
  const keep = (place: number, bytes: Buffer): void => {
    if (bytes.length > tail.length - used) {
      tail = Buffer.allocUnsafeSlow(Math.max(blockBytes, bytes.length));
      used = 0;
    }
    put(place, tail, used, bytes.copy(tail, used));
    used += bytes.length;
  };

  const put = (place: number, block: Buffer, start: number, length: number): void => {
    blocks[place] = block;
    starts[place] = start;
    lengths[place] = length;
    live += length;
  };

  const drop = (place: number): void => {
    const length = lengths[place] ?? 0;
    lengths[place] = 0;
    live -= length;
    dead += length;
  };

  const get = (place: number): Buffer | undefined => {
    const start = starts[place] ?? 0;
    const length = lengths[place];
    return length ? blocks[place]?.subarray(start, start + length) : undefined;
  };

  /** Blocks are released when more than half of their bytes are replaced or removed. */
  const tidy = (): void => {
    if (dead < live + blockBytes) return;
    const kept = blocks.map((_, place) => get(place));
    blocks = [];
    tail = Buffer.alloc(0);
    used = live = dead = 0;
    for (const [place, bytes] of kept.entries()) {
      if (bytes) keep(place, bytes);
      else put(place, tail, 0, 0);
    }
  };

  return {
    addSlice: (bytes, start, end) => {
      put(starts.length, bytes, start, end - start);
      return starts.length - 1;
    },
    add: (text) => {
      keep(starts.length, Buffer.from(text));
      return starts.length - 1;
    },
    replace: (place, text) => {
      drop(place);
      keep(place, Buffer.from(text));
      tidy();
    },
    remove: (place) => {
      drop(place);
      tidy();
    },
    get,
    *all() {
      for (let place = 0; place < starts.length; place++) {
        const start = starts[place] ?? 0;
        const end = start + (lengths[place] ?? 0);
        const bytes = blocks[place];
        if (bytes && end > start) yield { bytes, start, end };
      }
    },
    size: () => starts.length,
  };
}
