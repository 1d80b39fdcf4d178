import { verify } from "node:crypto";

export type Claims = { iss: string; sub: string; aud: string; exp: number };

const longestLifeSeconds = 300;

/** The claims of an RS256 assertion that the key has signed and that has not run out; undefined otherwise. */
export function readAssertion(assertion: string, publicKey: string, nowMs: number): Claims | undefined {
  const [head = "", body = "", signature = ""] = assertion.split(".");
  const header = decode(head);
  const claims = decode(body);
  if (header?.["alg"] !== "RS256" || !claims) return undefined;
  const isSigned = verify(
    "RSA-SHA256",
    Buffer.from(`${head}.${body}`),
    publicKey,
    Buffer.from(signature, "base64url"),
  );
  const { iss, sub, aud, exp } = claims;
  const isWhole = typeof iss === "string" && typeof sub === "string" && typeof aud === "string";
  if (!isSigned || !isWhole || typeof exp !== "number") return undefined;
  const leftSeconds = exp - nowMs / 1000;
  return leftSeconds > 0 && leftSeconds <= longestLifeSeconds ? { iss, sub, aud, exp } : undefined;
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
