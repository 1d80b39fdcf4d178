import { createHash } from "node:crypto";
import { inspect } from "node:util";
import { expect } from "vitest";
import { GrantError } from "../../src/core/crm-app.ts";

export const verifier = "a-verifier-that-is-as-long-as-verifiers-have-to-be";
export const challenge = createHash("sha256").update(verifier).digest("base64url");
export const secrets = { clientId: "client-1", clientSecret: "secret-of-the-app" };

/** What it fails with: a `GrantError` that gives nothing away. */
export async function failureOf(work: Promise<unknown>, ...hidden: string[]): Promise<GrantError> {
  const error = await work.catch((thrown: unknown) => thrown);
  if (!(error instanceof GrantError)) throw new Error(`it was no GrantError: ${inspect(error)}`);
  for (const secret of [secrets.clientSecret, verifier, ...hidden])
    expect(inspect(error, { depth: 20 })).not.toContain(secret);
  return error;
}
