import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A way to PostgreSQL that can fail as networks do. Connections that are open stay open until `cut`. */
export type PostgresProxy = {
  port: number;
  /** From now on nothing passes, in either direction, and no connection is closed. */
  stall(): void;
  /** Closes all connections and refuses new ones. */
  cut(): void;
  /** Everything passes again: what was held back, first. */
  restore(): void;
  /** Bytes arrive this much later. */
  delay(ms: number): void;
  /** How many bytes have passed. */
  passed(): number;
  stop(): Promise<void>;
};

/** `notices`: whether notifications get through; all else does. */
export async function startPostgresProxy(target: number, { notices = true } = {}): Promise<PostgresProxy> {
  const sockets = new Set<Socket>();
  const waiting: (() => void)[] = [];
  let mode: "open" | "stalled" | "cut" = "open";
  let delayMs = 0;
  let passed = 0;

  const whenOpen = (pass: () => void): void => {
    if (mode === "open") pass();
    else waiting.push(pass);
  };

  const pipe = (from: Socket, to: Socket, filtered: (bytes: Buffer) => Buffer): void => {
    sockets.add(from);
    const pass = (work: () => void): void => {
      if (delayMs > 0) setTimeout(() => whenOpen(work), delayMs);
      else whenOpen(work);
    };
    from.on("data", (bytes) =>
      pass(() => {
        passed += bytes.length;
        to.write(filtered(bytes));
      }),
    );
    // The other side must not learn of an end through a stalled network.
    from.on("close", () => {
      sockets.delete(from);
      pass(() => to.destroy());
    });
    from.on("error", () => {});
  };

  const server = createServer((client) => {
    client.on("error", () => {});
    if (mode === "cut") return void client.destroy();
    const upstream = connect(target, "127.0.0.1");
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    pipe(client, upstream, (bytes) => bytes);
    pipe(upstream, client, notices ? (bytes) => bytes : withoutNotices());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    port: (server.address() as AddressInfo).port,
    stall: () => {
      mode = "stalled";
    },
    cut: () => {
      mode = "cut";
      waiting.length = 0;
      for (const socket of sockets) socket.destroy();
    },
    restore: () => {
      mode = "open";
      for (const pass of waiting.splice(0)) pass();
    },
    delay: (ms) => {
      delayMs = ms;
    },
    passed: () => passed,
    async stop() {
      mode = "cut";
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const headBytes = 5;
const notification = "A".charCodeAt(0);

/** What a server sends, message by message, without its notifications. */
function withoutNotices(): (bytes: Buffer) => Buffer {
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    const passed: Buffer[] = [];
    while (rest.length >= headBytes) {
      // The length includes itself, but not the type before it.
      const end = 1 + rest.readInt32BE(1);
      if (rest.length < end) break;
      if (rest[0] !== notification) passed.push(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    return Buffer.concat(passed);
  };
}
