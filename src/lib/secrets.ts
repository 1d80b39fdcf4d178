import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import type { DeliveryHead, Proof } from "../core/provider.ts";
import { isOneOf } from "./signature.ts";

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
