import type { Server } from "node:http";
import type { Socket } from "node:net";
import { clientOf } from "../lib/public-address.ts";

/** One network of the internet gets this part of all connections: providers send from a few addresses. */
const partOfOne = 1 / 4;

/**
 * Limits the connections of a server. When all are taken, those that are idle between two requests are closed, and
 * `full` is called. Peers on private networks and on this machine may be proxies, so they may take all of them.
 */
export function limitConnections(server: Server, most: number, full: () => void): void {
  const mostOfOne = Math.max(1, Math.floor(most * partOfOne));
  const open = new Map<string, number>();
  server.maxConnections = most;
  server.on("drop", () => {
    server.closeIdleConnections();
    full();
  });
  server.on("connection", (socket: Socket) => {
    const network = clientOf(socket.remoteAddress ?? "");
    if (network === undefined) return;
    const before = open.get(network) ?? 0;
    if (before >= mostOfOne) {
      socket.destroy();
      return;
    }
    open.set(network, before + 1);
    socket.once("close", () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left > 0) open.set(network, left);
      else open.delete(network);
    });
  });
}
