import { Rejected } from "../../core/errors.ts";
import type { BodyCheck, DeliveryHead } from "../../core/provider.ts";
import { hmacSha256, sameBytes } from "../../lib/secrets.ts";

export const signatureHeader = "x-retell-signature";

/** Retell's own tolerance, in both directions; a request of exactly this age is accepted (retell-sdk 5.66.1). */
const windowMs = 300_000;

/** The value of `x-retell-signature`: an HMAC over the raw bytes followed by the digits of the time. */
export function signatureOf(body: Uint8Array, apiKey: string, now: number): string {
  return `v=${now},d=${hmacSha256(apiKey, body, String(now)).toString("hex")}`;
}

/**
 * Throws `Rejected(401)` unless the header has a signature from the five minutes around `now`, made with one of the API
 * keys.
 */
export function verifySignature(
  headers: DeliveryHead["headers"],
  apiKeys: readonly string[],
  now: number,
): BodyCheck {
  const header = headers[signatureHeader];
  if (!header) {
    throw new Rejected(401, "no x-retell-signature header: only Retell's own requests are accepted here");
  }
  // Anchored: old SDKs matched anywhere in the header and accepted text around the signature.
  const [, time, digest] = /^v=(\d{1,15}),d=([0-9a-fA-F]{64})$/.exec(header) ?? [];
  if (!time || !digest) {
    throw new Rejected(
      401,
      "the x-retell-signature header does not look like v=<milliseconds>,d=<64 hex digits>",
    );
  }
  if (Math.abs(now - Number(time)) > windowMs) {
    throw new Rejected(
      401,
      "the x-retell-signature has expired: it is more than 5 minutes off; check this machine's clock",
    );
  }
  return (body) => {
    if (signedByOneOf(apiKeys, body, time, Buffer.from(digest, "hex"))) return;
    throw new Rejected(
      401,
      "the x-retell-signature is wrong: set apiKey to the Retell API key that has the webhook badge",
    );
  };
}

/** Tries every key, so that the duration does not reveal which one matched. */
function signedByOneOf(keys: readonly string[], body: Uint8Array, time: string, digest: Uint8Array): boolean {
  let found = false;
  for (const key of keys) found = sameBytes(hmacSha256(key, body, time), digest) || found;
  return found;
}
