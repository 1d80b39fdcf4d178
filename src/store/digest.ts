import { createHash, hash } from "node:crypto";
import type { Delivery } from "../core/contracts.ts";

/** 48 bits of a hash: a number that SQLite keeps as an integer and JavaScript exactly. Never trusted without a look at the bytes. */
function short(digest: Buffer): number {
  return digest.readUIntBE(0, 6);
}

/** The same request to the same installation gives the same digest. */
export function digestOf(
  delivery: Pick<Delivery, "installation" | "provider" | "method" | "url" | "body">,
): number {
  const { installation, provider, method, url, body } = delivery;
  return short(
    createHash("sha1").update(`${installation}\n${provider}\n${method}\n${url}\n`).update(body).digest(),
  );
}

export function digestOfText(text: string): number {
  return short(hash("sha1", text, "buffer"));
}
