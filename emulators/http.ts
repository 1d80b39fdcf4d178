import type { IncomingMessage, ServerResponse } from "node:http";
import type { EmulatorReply, EmulatorRequest } from "./contract.ts";

/** The request, read to its end. A body that is not the JSON it claims to be gives `malformed`. */
export async function readRequest(
  message: IncomingMessage,
): Promise<{ request: EmulatorRequest; malformed: boolean }> {
  const url = new URL(message.url ?? "/", "http://emulator");
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const raw = Buffer.concat(chunks);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  const { body, malformed } = readBody(raw, headers["content-type"] ?? "");
  const request: EmulatorRequest = {
    method: message.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    headers,
    body,
    raw,
    params: [],
  };
  return { request, malformed };
}

function readBody(raw: Buffer, contentType: string): { body: unknown; malformed: boolean } {
  if (raw.length === 0) return { body: undefined, malformed: false };
  const text = raw.toString("utf8");
  if (contentType.includes("x-www-form-urlencoded")) {
    return { body: Object.fromEntries(new URLSearchParams(text)), malformed: false };
  }
  try {
    return { body: JSON.parse(text), malformed: false };
  } catch {
    return { body: undefined, malformed: contentType.includes("json") };
  }
}

export function sendReply(response: ServerResponse, reply: EmulatorReply): void {
  const headers: Record<string, string> = {};
  let content: string | Uint8Array = "";
  if (reply.bytes) {
    headers["content-type"] = "application/octet-stream";
    content = reply.bytes;
  } else if (reply.text !== undefined) {
    headers["content-type"] = "text/html;charset=utf-8";
    content = reply.text;
  } else if (reply.body !== undefined) {
    headers["content-type"] = "application/json;charset=utf-8";
    content = JSON.stringify(reply.body);
  }
  if (reply.status !== 204) headers["content-length"] = String(Buffer.byteLength(content));
  response.writeHead(reply.status, { ...headers, ...lowerCase(reply.headers) });
  response.end(content);
}

function lowerCase(headers: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
