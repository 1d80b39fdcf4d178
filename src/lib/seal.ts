import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";

/** Seals texts with the first key, opens what any of the keys has sealed. */
export type Sealer = {
  /** `about`: what the text belongs to; it can only be opened with the same value. */
  seal(text: string, about: string): string;
  /** Throws `SealError`. */
  open(sealed: string, about: string): string;
  /** Whether it was sealed with the first key. */
  isCurrent(sealed: string): boolean;
};

/** A sealed text cannot be opened: it was sealed with another key, or changed. */
export class SealError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SealError";
  }
}

type Key = { id: string; bytes: Buffer };

const version = "s1";
const nonceBytes = 12;
const tagBytes = 16;

/**
 * AES-256-GCM with a random nonce; the key's id comes first. `secrets`: at least 32 characters each, the current
 * one first. Sealed: `s1.<key id>.<nonce, ciphertext and tag in base64url>`.
 */
export function createSealer(secrets: readonly string[]): Sealer {
  const keys = secrets.map(keyOf);
  const [current] = keys;
  if (!current) throw new SealError("there is no key to seal with");
  return {
    seal(text, about) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", current.bytes, nonce).setAAD(Buffer.from(about));
      const parts = [nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
      return `${version}.${current.id}.${Buffer.concat(parts).toString("base64url")}`;
    },
    open(sealed, about) {
      const [mark, id, text = ""] = sealed.split(".");
      if (mark !== version) throw new SealError("this was not sealed by Switchhook");
      const key = keys.find((one) => one.id === id);
      if (!key)
        throw new SealError(
          `this was sealed with another key (${String(id).slice(0, 8)}): set that one, too`,
        );
      const bytes = Buffer.from(text, "base64url");
      if (bytes.length < nonceBytes + tagBytes) throw new SealError("what was sealed is cut off");
      // The last letter has unused bits: only the canonical encoding is accepted.
      if (bytes.toString("base64url") !== text) throw new SealError("what was sealed has been changed");
      const decipher = createDecipheriv("aes-256-gcm", key.bytes, bytes.subarray(0, nonceBytes));
      decipher.setAAD(Buffer.from(about)).setAuthTag(bytes.subarray(-tagBytes));
      try {
        const opened = decipher.update(bytes.subarray(nonceBytes, -tagBytes));
        return Buffer.concat([opened, decipher.final()]).toString("utf8");
      } catch (cause) {
        throw new SealError("what was sealed has been changed, or was sealed for another purpose", { cause });
      }
    },
    isCurrent: (sealed) => sealed.split(".")[1] === current.id,
  };
}

function keyOf(secret: string): Key {
  const derive = (info: string, length: number) => Buffer.from(hkdfSync("sha256", secret, "", info, length));
  const id = createHash("sha256").update(derive("switchhook key id", 32)).digest("hex").slice(0, 8);
  return { id, bytes: derive("switchhook seal", 32) };
}
