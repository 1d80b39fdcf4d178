import { type EmulatorReply, Refusal } from "../server.ts";

/** Exotel's errors. The texts are unverified, but for those that public clients quote. */
export function restException(status: number, Message: string): EmulatorReply {
  return { status, body: { RestException: { Status: status, Message } } };
}

export function invalid(name: string, why: string): Refusal {
  return new Refusal(restException(400, `Invalid parameter ${name}: ${why}`));
}

/** Without `.json` at the end of the path everything is XML. */
export function asXml({ body, ...reply }: EmulatorReply): EmulatorReply {
  const text = `<?xml version="1.0" encoding="UTF-8"?><TwilioResponse>${xmlOf(body)}</TwilioResponse>`;
  return { ...reply, text, headers: { ...reply.headers, "content-type": "application/xml" } };
}

function xmlOf(value: unknown): string {
  if (Array.isArray(value)) return value.map((item) => `<Call>${xmlOf(item)}</Call>`).join("");
  if (typeof value === "object" && value !== null)
    return Object.entries(value)
      .map(([name, inner]) => `<${name}>${xmlOf(inner)}</${name}>`)
      .join("");
  return String(value ?? "")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;");
}
