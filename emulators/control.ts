import type { Emulator, EmulatorParts, EmulatorReply, EmulatorRequest, Fault } from "./contract.ts";
import { renderPage } from "./page.ts";

/** The emulator's own pages, which need no token and are not counted: `/` and everything under `/_emulator`. */
export function isControl(path: string): boolean {
  return path === "/" || path === "/_emulator" || path.startsWith("/_emulator/");
}

export function control(request: EmulatorRequest, emulator: Emulator, parts: EmulatorParts): EmulatorReply {
  const { method, path, body } = request;
  switch (`${method} ${path}`) {
    case "GET /":
      return { status: 200, text: renderPage(parts.page?.() ?? { title: "Emulator", contacts: [] }) };
    case "GET /_emulator":
      return {
        status: 200,
        body: { requests: countRequests(emulator), objects: parts.objects?.() ?? {} },
      };
    case "GET /_emulator/requests":
      return { status: 200, body: emulator.requests };
    case "DELETE /_emulator/requests":
      emulator.requests.length = 0;
      return { status: 204 };
    case "POST /_emulator/faults":
      if (!isFault(body)) return refuse('A fault is an object with a "type".');
      emulator.faults.add(body);
      return { status: 201, body };
    case "DELETE /_emulator/faults":
      emulator.faults.clear();
      return { status: 204 };
    case "PUT /_emulator/settings":
      return change(body, emulator, parts);
    default:
      return { status: 404, body: { message: `There is no ${method} ${path}.` } };
  }
}

/** Requests by kind, then by status: `{ search: { 200: 12, 429: 1 } }`. */
function countRequests(emulator: Emulator): Record<string, Record<string, number>> {
  const counts: Record<string, Record<string, number>> = {};
  for (const { kind, status } of emulator.requests) {
    counts[kind] ??= {};
    const ofKind = counts[kind];
    ofKind[status] = (ofKind[status] ?? 0) + 1;
  }
  return counts;
}

function change(body: unknown, emulator: Emulator, parts: EmulatorParts): EmulatorReply {
  const setters: Record<string, (value: unknown) => void> = {
    ...parts.settings,
    latencyMs(value) {
      emulator.latencyMs = Number(value);
    },
  };
  if (!isRecord(body)) return refuse("Settings are an object.");
  const unknown = Object.keys(body).filter((name) => !Object.hasOwn(setters, name));
  if (unknown.length > 0) {
    return refuse(`Unknown settings: ${unknown.join(", ")}. There are: ${Object.keys(setters).join(", ")}.`);
  }
  for (const [name, value] of Object.entries(body)) setters[name]?.(value);
  return { status: 204 };
}

function isFault(value: unknown): value is Fault {
  return isRecord(value) && typeof value["type"] === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(message: string): EmulatorReply {
  return { status: 400, body: { message } };
}
