/**
 * One request of a provider. `url`: path and query as sent, without the webhook secret.
 * `headers`: lower-case names. `body`: the exact bytes. `receivedAt`: ISO, UTC, ms.
 */
export type Delivery = {
  installation: string;
  provider: string;
  receivedAt: string;
  method: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
};

/** What is known of a request before its body. */
export type DeliveryHead = Omit<Delivery, "body">;

/** Checks that a signature is about this body. Throws `Rejected(401)`. */
export type BodyCheck = (body: Uint8Array) => void;

/** What a request is proved by besides its head. `publicUrl`: the whole URL as the provider calls it, query included. */
export type Proof = { now: number; publicUrl: string; secretInUrl?: string };
