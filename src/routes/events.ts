import type { Response } from "express";
import { z } from "zod";
import type { Access } from "../access/index.ts";
import { Rejected } from "../core/errors.ts";
import { type Principal, sees } from "../core/principal.ts";
import { callStates } from "../core/tracked-call.ts";
import type { LiveFeed } from "../server/live.ts";
import { adminRoute, content, type Route } from "./route.ts";

const usualHeartbeatMs = 15_000;
/** A listener with this much unread data has stopped reading. */
const unreadBytes = 1_000_000;
const listenersAtOnce = 100;

const liveCall = z
  .object({
    key: z.string(),
    installation: z.string(),
    state: z.enum(callStates),
    phase: z.string().optional(),
    revision: z.int(),
  })
  .meta({ id: "LiveCall" });

type EventParts = { live: LiveFeed; access: Pick<Access, "sessions"> };

/** Calls as they change, as server-sent events named `call`. */
export function eventRoutes(parts: EventParts, heartbeatMs = usualHeartbeatMs): Route[] {
  let listeners = 0;
  return [
    adminRoute({
      method: "get",
      path: "/api/events",
      needs: "view",
      summary: "Calls as they change: server-sent events named `call`.",
      replies: {
        200: content("The stream; each event's data is a LiveCall.", "text/event-stream", liveCall),
      },
      handle: (_, response, __, principal) => {
        if (listeners >= listenersAtOnce) {
          throw new Rejected(503, `${listenersAtOnce} others are listening already: close one of them`);
        }
        listeners += 1;
        response.once("close", () => {
          listeners -= 1;
        });
        stream(parts, response, { principal, heartbeatMs });
      },
    }),
  ];
}

type StreamListener = { principal: Principal; heartbeatMs: number };

function stream(
  { live, access }: EventParts,
  response: Response,
  { principal, heartbeatMs }: StreamListener,
): void {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    // nginx buffers a response unless this header forbids it.
    "x-accel-buffering": "no",
    connection: "close",
  });
  const write = (text: string): void => {
    if (response.writableLength > unreadBytes) response.destroy();
    else if (!response.destroyed) response.write(text);
  };
  write("retry: 3000\n\n");
  const stopListening = live.listen((call) => {
    if (sees(principal, call.installation)) write(`event: call\ndata: ${JSON.stringify(call)}\n\n`);
  });
  const heartbeat = setInterval(() => {
    write(": still here\n\n");
    // A session that was ended hears nothing more. While the store cannot say, the stream goes on.
    access.sessions.isOpen(principal).then(
      (isOpen) => isOpen || response.end(),
      () => {},
    );
  }, heartbeatMs);
  response.once("close", () => {
    stopListening();
    clearInterval(heartbeat);
  });
}
