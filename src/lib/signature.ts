import { createHash, createHmac, createSecretKey, timingSafeEqual } from "node:crypto";

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
