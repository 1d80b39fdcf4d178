import { connect, type Socket } from "node:net";

/** A connection whose bytes we choose. `answer`: all that has come back once the server has closed it. */
export type RawClient = {
  socket: Socket;
  write(text: string | Uint8Array): void;
  received(): string;
  closed: Promise<string>;
};

export function openRaw(url: string): Promise<RawClient> {
  const { port, hostname } = new URL(url);
  let text = "";
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(port), host: hostname, noDelay: true });
    const closed = new Promise<string>((done) => socket.on("close", () => done(text)));
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => (text += chunk));
    socket.once("error", reject);
    socket.once("connect", () => {
      // Whatever a rude client is told, it goes on.
      socket.on("error", () => {});
      resolve({ socket, write: (bytes) => void socket.write(bytes), received: () => text, closed });
    });
  });
}

/** The status of the first answer; 0 when there was none. */
export function statusIn(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}
