import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { Rejected } from "../core/errors.ts";
import type { BodyRoom } from "../lib/body-room.ts";
import { clientOf } from "../lib/outbound.ts";

type Options = {
  /** How many connections there may be. */
  most: number;
  /** For a whole request. */
  bodySeconds: number;
  /** How long a connection may be open before its first request. */
  idleMs: number;
  room: BodyRoom;
  /** Called when a connection was refused because all are taken. */
  full: () => void;
};

type OpenConnection = {
  /** When it was opened or its last request began (ms, monotonic). */
  since: number;
  /** Pipelined requests, whose predecessor was not answered yet. */
  ahead: number;
  /** Of its last request. */
  response?: ServerResponse<IncomingMessage>;
};

/** Current clients wait for a response before the next request; a few pipelined requests are answered in order. */
const mostAhead = 8;
/** A client that has not read a response by then does not read it. */
const answerTakenMs = 30_000;

/** The share of all connections that one public address may have: providers send from a few addresses. */
const partOfOne = 1 / 4;
/** A complete request arrives within this time, unless its sender is slow. */
const graceMs = 1_000;
/** When all connections are taken, at most this share is closed at once, and this often. */
const partClosed = 1 / 4;
const closingEveryMs = 100;

/**
 * Limits the connections of a server, and answers what is not a valid request. Returns whether a request may be
 * answered. Peers on private networks and on this machine may be proxies, so they may use all connections. When all are
 * taken, connections without work for an authenticated sender are closed: idle ones, and those whose headers or
 * unauthenticated body take longer than a second.
 */
export function limitConnections(
  server: Server,
  { most, bodySeconds, idleMs, room, full }: Options,
): (request: IncomingMessage, response: ServerResponse<IncomingMessage>) => boolean {
  const open = new Map<Socket, OpenConnection>();
  const ofClient = countOf(Math.max(1, Math.floor(most * partOfOne)));
  let closedAt = Number.NEGATIVE_INFINITY;

  const makeRoom = (): void => {
    const now = performance.now();
    if (now - closedAt < closingEveryMs) return;
    closedAt = now;
    const idle = [...open]
      .filter(([, connection]) => now - connection.since > graceMs && !isBusy(connection, room, now))
      .sort(([, a], [, b]) => a.since - b.since);
    for (const [socket] of idle.slice(0, Math.ceil(most * partClosed))) socket.destroy();
  };

  server.maxConnections = most;
  server.on("drop", () => {
    makeRoom();
    full();
  });
  server.on("connection", (socket: Socket) => {
    if (!ofClient.add(socket)) return void socket.destroy();
    open.set(socket, { since: performance.now(), ahead: 0 });
    socket.once("close", () => open.delete(socket));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    // Load balancers open connections ahead of use; a response sent before a request would be taken for the response to
    // it.
    const isTimeout = error.code === "ERR_HTTP_REQUEST_TIMEOUT";
    if (isTimeout && socket.bytesRead === 0) return void socket.setTimeout(idleMs);
    const response = open.get(socket)?.response;
    const isUnderWay = response !== undefined && !response.req.complete;
    if (isUnderWay && isTimeout) {
      response.shouldKeepAlive = false;
      const why = `the request was not complete after ${bodySeconds} s`;
      if (room.refuse(response.req, new Rejected(408, why))) return;
    }
    if (!socket.writable || (isUnderWay && response.headersSent)) socket.destroy(error);
    else refuse(socket, error.code);
  });

  return (request, response) => {
    const { socket } = request;
    const connection = open.get(socket);
    // Requests in the same packet as one too many are still parsed.
    if (!connection || socket.destroyed) return false;
    connection.ahead = connection.response?.writableFinished === false ? connection.ahead + 1 : 0;
    if (connection.ahead > mostAhead) {
      socket.destroy();
      return false;
    }
    connection.since = performance.now();
    connection.response = response;
    if (socket.timeout) socket.setTimeout(0);
    return true;
  };
}

/** Whether the connection has work that must not be interrupted. */
function isBusy({ response, since }: OpenConnection, room: BodyRoom, now: number): boolean {
  if (!response || response.writableFinished) return false;
  if (response.writableEnded) return now - since < answerTakenMs;
  return response.req.complete || room.isProved(response.req);
}

/** Counts the connections of each public address; `add` returns false when it has `most` already. */
function countOf(most: number) {
  const counts = new Map<string, number>();
  return {
    add(socket: Socket): boolean {
      const client = clientOf(socket.remoteAddress ?? "");
      if (client === undefined) return true;
      const before = counts.get(client) ?? 0;
      if (before >= most) return false;
      counts.set(client, before + 1);
      socket.once("close", () => {
        const left = (counts.get(client) ?? 1) - 1;
        if (left > 0) counts.set(client, left);
        else counts.delete(client);
      });
      return true;
    },
  };
}

const refusals: Readonly<Record<string, [status: number, why: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, "the request was not complete in time"],
  HPE_HEADER_OVERFLOW: [431, "the head of the request is larger than 16 KB"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "the extensions of a chunk are too large"],
};

function refuse(socket: Socket, code = ""): void {
  const [status, why] = refusals[code] ?? [400, "this is not a request that HTTP allows"];
  const body = JSON.stringify({ error: why });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "x-content-type-options: nosniff",
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
