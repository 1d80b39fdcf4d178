import { Webhook } from "standardwebhooks";
import { Rejected } from "../../core/errors.ts";
import type { BodyCheck, DeliveryHead, Proof } from "../../core/provider.ts";
import { hmacSha256, isOneOf, sameBytes, sha256 } from "../../lib/secrets.ts";
import type { BirdSettings } from "./settings.ts";

export const headerNames = {
  timestamp: "messagebird-request-timestamp",
  signature: "messagebird-signature",
  platformId: "webhook-id",
  platformTimestamp: "webhook-timestamp",
  platformSignature: "webhook-signature",
} as const;

type Headers = DeliveryHead["headers"];

const aheadSeconds = 300;
/** Retries continue for up to a day with the timestamp of the first attempt (field reports, 2026). */
const channelsBackSeconds = 86_400;
const platformBackSeconds = 300;

/** Throws `Rejected(401)` unless the headers have a recent signature of Bird's channels or of the new Bird platform. */
export function verifySignature({ headers }: DeliveryHead, settings: BirdSettings, proof: Proof): BodyCheck {
  if (headers[headerNames.platformSignature])
    return verifyPlatform(headers, settings.platformSecret, proof.now);
  if (headers[headerNames.signature]) return verifyChannels(headers, settings.signingKey, proof);
  throw new Rejected(
    401,
    "no messagebird-signature or webhook-signature header: set a signing key on the webhook subscription in Bird",
  );
}

/** Base64 of an HMAC over the time, the subscribed URL and the raw hash of the body, one per line. */
export function channelsSignature(body: Uint8Array, key: string, timestamp: string, url: string): Buffer {
  return hmacSha256(key, `${timestamp}\n${url}\n`, sha256(body));
}

/** The Standard Webhooks signature, `v1,<base64>`. The library takes text or a Buffer only. */
export function platformSignature(body: Uint8Array, secret: string, id: string, seconds: number): string {
  return new Webhook(secret).sign(id, new Date(seconds * 1000), Buffer.from(body));
}

function verifyChannels(
  headers: Headers,
  keys: readonly string[] | undefined,
  { now, publicUrl }: Proof,
): BodyCheck {
  if (!keys) {
    throw new Rejected(
      401,
      "signed with a channels signing key, but `signingKey` is not set for this installation",
    );
  }
  const timestamp = freshTimestamp(headers, headerNames.timestamp, now, channelsBackSeconds);
  const given = Buffer.from(headers[headerNames.signature] ?? "", "base64");
  return (body) => {
    let found = false;
    for (const key of keys) {
      found = sameBytes(given, channelsSignature(body, key, timestamp, publicUrl)) || found;
    }
    if (found) return;
    throw new Rejected(
      401,
      "the messagebird-signature is wrong: check signingKey, and that publicUrl is the exact URL subscribed in Bird",
    );
  };
}

/**
 * The library's `verify` reads the system clock; ours is an argument, so the time window is checked here and only the
 * signature by the library. One header may contain several signatures, separated by spaces.
 */
function verifyPlatform(headers: Headers, keys: readonly string[] | undefined, now: number): BodyCheck {
  if (!keys) {
    throw new Rejected(
      401,
      "signed by the new Bird platform, but `platformSecret` is not set for this installation",
    );
  }
  const id = headers[headerNames.platformId];
  if (!id)
    throw new Rejected(401, "no webhook-id header: the webhook-signature cannot be checked without it");
  const timestamp = freshTimestamp(headers, headerNames.platformTimestamp, now, platformBackSeconds);
  const given = (headers[headerNames.platformSignature] ?? "").split(" ", 8);
  return (body) => {
    const expected = keys.map((key) => platformSignature(body, key, id, Number(timestamp)));
    if (given.filter((signature) => isOneOf(signature, expected)).length > 0) return;
    throw new Rejected(401, "the webhook-signature is wrong: check platformSecret (it starts with whsec_)");
  };
}

function freshTimestamp(headers: Headers, name: string, now: number, backSeconds: number): string {
  const timestamp = headers[name];
  if (!timestamp || !/^\d{1,11}$/.test(timestamp)) {
    throw new Rejected(401, `the ${name} header is missing or is not a time in seconds`);
  }
  const ageSeconds = now / 1000 - Number(timestamp);
  if (ageSeconds > backSeconds) {
    throw new Rejected(401, `the signature has expired: ${name} is more than ${spoken(backSeconds)} old`);
  }
  if (ageSeconds < -aheadSeconds) {
    throw new Rejected(401, `${name} is more than 5 minutes in the future: check this machine's clock`);
  }
  return timestamp;
}

function spoken(seconds: number): string {
  return seconds >= 3600 ? `${seconds / 3600} hours` : `${seconds / 60} minutes`;
}
