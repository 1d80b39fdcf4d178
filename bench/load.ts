import { createHmac } from "node:crypto";
import { connect, type Socket } from "node:net";

/** How a load run went. Latencies in milliseconds. */
export type LoadResult = {
  sent: number;
  ok: number;
  failed: number;
  seconds: number;
  perSecond: number;
  p50: number;
  p99: number;
  max: number;
};

export type LoadOptions = {
  port: number;
  path: string;
  connections: number;
  seconds: number;
  /** Requests a second over all connections; absent = as fast as they are answered. */
  rate?: number;
  /** The n-th request: its bytes on the wire. */
  request: (n: number) => Buffer;
  /** Stops after this many. */
  count?: number;
  /** How many requests to make up before the clock starts, so that our own work does not slow the server down. */
  prepare?: number;
};

/**
 * Sends requests over keep-alive connections of loopback and stops by itself. One request at a time on a connection.
 * With a rate, latency counts from when a request should have been sent, so a slow server cannot hide behind us.
 */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const { port, connections, seconds, rate, count = Number.POSITIVE_INFINITY } = options;
  const prepared = Array.from({ length: options.prepare ?? 0 }, (_, n) => options.request(n));
  const latencies: number[] = [];
  let next = 0;
  let ok = 0;
  let failed = 0;
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const started = performance.now();
  const deadline = started + seconds * 1000;
  const dueAt = (n: number): number => (rate === undefined ? performance.now() : started + (n / rate) * 1000);

  const drive = async (socket: Socket): Promise<void> => {
    const replies = repliesOf(socket);
    for (;;) {
      const n = next++;
      const due = dueAt(n);
      if (n >= count || due >= deadline || performance.now() >= deadline) break;
      const wait = due - performance.now();
      if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
      socket.write(prepared[n] ?? options.request(n));
      const status = await replies();
      latencies.push(performance.now() - due);
      if (status === 200) ok += 1;
      else failed += 1;
    }
    socket.destroy();
  };

  await Promise.all(sockets.map(drive));
  const took = (performance.now() - started) / 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number =>
    round(latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0);
  return {
    sent: latencies.length,
    ok,
    failed,
    seconds: round(took),
    perSecond: Math.round(ok / took),
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
  };
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => resolve(socket));
    socket.once("error", reject);
  });
}

/** The status of the next reply. Replies have a content-length and are small. */
function repliesOf(socket: Socket): () => Promise<number> {
  let text = "";
  let waiting: ((status: number) => void) | undefined;
  const settle = (status: number): void => {
    const resolve = waiting;
    waiting = undefined;
    resolve?.(status);
  };
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    text += chunk;
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (text.length < end + 4 + length) return;
    const status = Number(text.slice(9, 12));
    text = text.slice(end + 4 + length);
    settle(status);
  });
  socket.on("close", () => settle(0));
  socket.on("error", () => settle(0));
  return () =>
    new Promise((resolve) => {
      waiting = resolve;
      if (socket.destroyed) settle(0);
    });
}

/** A signed Retell event, about 600 bytes: three of them are a call. `callers`: how many different customers call. */
export function retellEvents(
  path: string,
  apiKey: string,
  options: { callers: number; prefix: string; numberOf?: (caller: number) => string },
): (n: number) => Buffer {
  const { numberOf = (caller) => `+1415555${String(caller).padStart(4, "0")}` } = options;
  const steps = ["call_started", "call_ended", "call_analyzed"] as const;
  return (n) => {
    const call = Math.floor(n / 3);
    const event = steps[n % 3] ?? "call_started";
    const start = 1_790_000_000_000 + call * 1000;
    const body = JSON.stringify({
      event,
      event_timestamp: start + (n % 3) * 60_000,
      call: {
        call_id: `${options.prefix}-${call}`,
        call_type: "phone_call",
        agent_id: `agent_${call % 40}`,
        direction: "inbound",
        from_number: numberOf(call % options.callers),
        to_number: "+12137771235",
        start_timestamp: start,
        ...(n % 3 > 0 && {
          end_timestamp: start + 60_000,
          duration_ms: 60_000,
          disconnection_reason: "user_hangup",
          recording_url: `https://rec.example.com/${call}.wav`,
        }),
        ...(n % 3 > 1 && {
          call_analysis: {
            call_summary: "Asked about an invoice and was helped.",
            user_sentiment: "Positive",
            call_successful: true,
          },
        }),
        metadata: { note: "x".repeat(120) },
      },
    });
    return signedRetell(path, apiKey, body);
  };
}

/** A Retell question about a caller out of `contacts` known ones. */
export function retellQuestions(
  path: string,
  apiKey: string,
  numberOf: (n: number) => string,
  prefix: string,
): (n: number) => Buffer {
  return (n) =>
    signedRetell(
      path,
      apiKey,
      JSON.stringify({
        event: "call_inbound",
        call_inbound: {
          agent_id: "agent_1",
          from_number: numberOf(n),
          to_number: "+12137771235",
          call_id: `${prefix}-${n}`,
        },
      }),
    );
}

function signedRetell(path: string, apiKey: string, body: string): Buffer {
  const at = Date.now();
  const digest = createHmac("sha256", apiKey).update(body).update(String(at)).digest("hex");
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nx-retell-signature: v=${at},d=${digest}\r\n\r\n${body}`,
  );
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
