import { createHash, createHmac, createSecretKey, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import type { DeliveryHead, Proof } from "../core/provider.ts";

/** One secret, or two at once while the old one is being replaced. The config has resolved `{"env": …}` already. */
export const secrets = z.preprocess(
  (value) => (typeof value === "string" ? [value] : value),
  z
    .array(z.string().min(4, "a secret has at least 4 characters"))
    .min(1)
    .max(2, "two secrets at most: the new and the old"),
);

/**
 * For providers that do not sign: the secret as `?key=` in the URL, as the password of Basic auth, or as a Bearer token.
 * Throws `Rejected(401)`.
 */
export function verifySecret(
  { headers }: DeliveryHead,
  accepted: readonly string[],
  { secretInUrl }: Proof,
): undefined {
  const given = secretInUrl ?? secretInHeader(headers["authorization"]);
  if (given === undefined) {
    throw new Rejected(
      401,
      "no secret: add ?key=<secret> to the webhook URL, or send it as the Basic auth password",
    );
  }
  if (!isOneOf(given, accepted))
    throw new Rejected(401, "the secret is not the one in this installation's settings");
}

/** The token of Bearer, or the password of Basic; undefined for any other header. */
export function secretInHeader(authorization: string | undefined): string | undefined {
  const [scheme, value, more] = (authorization ?? "").trim().split(/ +/, 3);
  if (!scheme || !value || more !== undefined) return undefined;
  if (scheme.toLowerCase() === "bearer") return value;
  if (scheme.toLowerCase() !== "basic") return undefined;
  const pair = Buffer.from(value, "base64").toString("utf8");
  return pair.includes(":") ? pair.slice(pair.indexOf(":") + 1) : undefined;
}

/** Compares in constant time, whatever the lengths: both sides are hashed first. */
export function sameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(
    createHash("sha256").update(given).digest(),
    createHash("sha256").update(expected).digest(),
  );
}

/** Whether `given` is one of the accepted secrets. Compares with all of them, so that the time does not reveal which. */
export function isOneOf(given: string, accepted: readonly string[]): boolean {
  let found = false;
  for (const secret of accepted) found = sameSecret(given, secret) || found;
  return found;
}

/** HMAC-SHA256 over the parts, one after another without separators. */
export function hmacSha256(key: string | Uint8Array, ...parts: (string | Uint8Array)[]): Buffer {
  // Node takes 13 µs for a key of bytes, and 4 µs when they are imported first (24.21).
  const hmac = createHmac("sha256", typeof key === "string" ? key : createSecretKey(key));
  for (const part of parts) hmac.update(part);
  return hmac.digest();
}

/** Raw SHA-256. */
export function sha256(data: Uint8Array): Buffer {
  return createHash("sha256").update(data).digest();
}

/** Compares two digests in constant time. */
export function sameBytes(given: Uint8Array, expected: Uint8Array): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected);
}
