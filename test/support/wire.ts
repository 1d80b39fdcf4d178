import { connect, type Socket } from "node:net";
import type { WireRequest } from "./hostile-requests.ts";

/** The status of an answer; 0 when the connection was closed without one. */
export type Exchange = (request: WireRequest) => Promise<number>;

/** One request at a time on a connection that is kept while the server keeps it, and opened again when it does not. */
export function openWire(port: number): { exchange: Exchange; close(): void } {
  let socket: Socket | undefined;
  let text = "";
  let settle: (status: number) => void = () => {};
  let method = "";

  const answered = (): void => {
    for (;;) {
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) return;
      const head = text.slice(0, end);
      const status = Number(head.slice(9, 12));
      const length =
        method === "HEAD" || status < 200 ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      text = text.slice(end + 4 + length);
      if (status < 200) continue;
      if (/\r\nconnection: close/i.test(head)) drop();
      settle(status);
      return;
    }
  };

  const drop = (): void => {
    socket
      ?.removeAllListeners()
      .on("error", () => {})
      .destroy();
    socket = undefined;
    text = "";
  };

  const open = (): Socket => {
    const opened = connect({ port, host: "127.0.0.1", noDelay: true }).setEncoding("latin1");
    opened.on("data", (chunk: string) => {
      text += chunk;
      answered();
    });
    const gone = () => {
      drop();
      settle(0);
    };
    return opened.on("close", gone).on("error", gone);
  };

  return {
    exchange: (request) =>
      new Promise((resolve) => {
        settle = resolve;
        method = request.method;
        socket ??= open();
        socket.write(request.bytes);
      }),
    close: drop,
  };
}
