import { createHmac, hash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** Whether a request carries the signature (AWS Signature Version 4, in its header) that this secret makes. */
export function isSignedWith(secret: string, { method = "", url = "", headers }: IncomingMessage): boolean {
  const pattern = /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/;
  const [, scope = "", signedHeaders = "", signature = ""] = pattern.exec(headers.authorization ?? "") ?? [];
  const { pathname, searchParams } = new URL(url, "http://s3");
  const query = [...searchParams].map((pair) => pair.map(encodeURIComponent).join("=")).sort();
  const canonical = [
    method,
    pathname,
    query.join("&"),
    ...signedHeaders.split(";").map((name) => `${name}:${String(headers[name] ?? "").trim()}`),
    "",
    signedHeaders,
    headers["x-amz-content-sha256"],
  ].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hash("sha256", canonical)].join("\n");
  const key = scope
    .split("/")
    .reduce<string | Buffer>((so, part) => createHmac("sha256", so).update(part).digest(), `AWS4${secret}`);
  const expected = createHmac("sha256", key).update(toSign).digest();
  const given = Buffer.from(signature, "hex");
  return given.length === expected.length && timingSafeEqual(given, expected);
}
