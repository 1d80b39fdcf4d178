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
