import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import {
  type Emulator,
  type EmulatorParts,
  type EmulatorReply,
  type EmulatorRequest,
  Refusal,
  type Route,
  type SeenRequest,
} from "./contract.ts";
import { control, isControl } from "./control.ts";
import { createFaults, isShared } from "./faults.ts";
import { readRequest, sendReply } from "./http.ts";

export * from "./contract.ts";

/**
 * Starts an emulator on loopback. Extend the result with `Object.assign(emulator, { ... })`, never by spreading:
 * `latencyMs` is read from this very object.
 */
export async function startServer(parts: EmulatorParts): Promise<Emulator> {
  const now = parts.now ?? Date.now;
  const faults = createFaults();
  const server = createServer((message, response) => {
    answer(message, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendReply(response, { status: 500, body: { status: "error", message: describe(error) } });
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(parts.port ?? 0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const emulator: Emulator = {
    url: `http://127.0.0.1:${port}`,
    port,
    requests: [],
    faults: { add: faults.add, clear: faults.clear },
    latencyMs: parts.latencyMs ?? 0,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return emulator;

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { request, malformed } = await readRequest(message);
    if (isControl(request.path)) return sendReply(response, control(request, emulator, parts));
    const route = findRoute(request, parts.routes);
    const seen = note(request, route);
    emulator.requests.push(seen);
    const struck = faults.strike(request, route);
    if (emulator.latencyMs > 0) await delay(emulator.latencyMs);
    let lost = false;
    for (const fault of struck) {
      if (!isShared(fault)) {
        const reply = parts.fault?.(fault, request, route);
        if (reply) return finish(reply);
      } else if (fault.type === "slow") {
        await delay(fault.ms);
      } else if (fault.type === "drop") {
        lost = true;
      } else if (fault.type === "status") {
        return finish(fault);
      } else if (fault.type === "hang") {
        seen.status = "hang";
        return;
      } else {
        return cut("reset");
      }
    }
    const reply = malformed
      ? (parts.malformed?.(request) ?? { status: 400, body: { message: "The body is not JSON." } })
      : await handle(request, route);
    if (lost) return cut("drop");
    return finish({ ...reply, headers: { ...parts.headers?.(request, route), ...reply.headers } });

    function finish(reply: EmulatorReply): void {
      seen.status = reply.status;
      sendReply(response, reply);
    }

    function cut(how: "drop" | "reset"): void {
      seen.status = how;
      message.socket.destroy();
    }
  }

  async function handle(request: EmulatorRequest, route: Route | undefined): Promise<EmulatorReply> {
    try {
      const refused = parts.before?.(request, route);
      if (refused) return refused;
      if (route) return await route.handle(request);
      return (
        parts.notFound?.(request) ?? {
          status: 404,
          body: { message: `There is no ${request.method} ${request.path}.` },
        }
      );
    } catch (error) {
      if (error instanceof Refusal) return error.reply;
      throw error;
    }
  }

  function note(request: EmulatorRequest, route: Route | undefined): SeenRequest {
    const inputs = rows(request.body);
    return {
      at: now(),
      method: request.method,
      path: request.path,
      kind: route?.kind ?? "unknown",
      status: 0,
      ...(inputs === undefined ? {} : { inputs }),
    };
  }
}

function findRoute(request: EmulatorRequest, routes: Route[]): Route | undefined {
  for (const route of routes) {
    if (route.method !== request.method) continue;
    const found = route.path.exec(request.path);
    if (!found || found[0].length !== request.path.length) continue;
    request.params = found.slice(1).map((group) => decodeURIComponent(group ?? ""));
    return route;
  }
  return undefined;
}

function rows(body: unknown): number | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { inputs, records } = body as { inputs?: unknown; records?: unknown };
  if (Array.isArray(inputs)) return inputs.length;
  return Array.isArray(records) ? records.length : undefined;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
