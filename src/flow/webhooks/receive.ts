import { Rejected } from "../../core/errors.ts";
import type { BodyCheck, Delivery, DeliveryHead, Proof, Reading } from "../../core/provider.ts";
import type { ConfiguredProvider } from "../../core/runtime.ts";
import type { Flow, Installation } from "../installation.ts";
import { answerQuestion } from "./answer.ts";

export type Receipt = {
  kind: string;
  /** The JSON of the answer; absent = an empty answer. */
  body?: unknown;
};

/** A request whose head was verified. */
export type Admitted = {
  head: DeliveryHead;
  configured: ConfiguredProvider;
  /** Absent when the head alone proves the request. */
  checkBody: BodyCheck | undefined;
};

/** Verifies a request before its body is read, so that a stranger's body costs nothing. Throws `Rejected`. */
export function admit(installation: Installation, head: DeliveryHead, proof: Proof): Admitted {
  const configured = Object.hasOwn(installation.providers, head.provider)
    ? installation.providers[head.provider]
    : undefined;
  if (!configured) throw new Rejected(404, unknownProvider(installation, head.provider));
  const { provider, settings } = configured;
  if (!provider.methods.some((method) => method === head.method)) {
    throw new Rejected(405, `${provider.label} webhooks use ${provider.methods.join(" or ")}`);
  }
  return { head, configured, checkBody: provider.verify(head, settings, proof) };
}

/**
 * Receives a delivery: verifies its body, reads its kind, and makes its bytes durable before the request is answered. A
 * question about a live call is answered first; its bytes are stored without making the caller wait.
 * Throws `Rejected`, or `StoreError`.
 */
export async function receive(
  flow: Flow,
  installation: Installation,
  { head, configured, checkBody }: Admitted,
  body: Uint8Array,
): Promise<Receipt> {
  checkBody?.(body);
  const { provider } = configured;
  const delivery: Delivery = { ...head, body };
  const { kind, question } = readingOf(flow, configured, delivery);
  const stored = { ...delivery, headers: storedHeaders(delivery.headers, provider.keepHeaders) };
  if (question && provider.reply) {
    const answer = await answerQuestion(flow, installation, { configured, question, body });
    flow.store.append(stored).catch((error: unknown) => {
      flow.limitedLog.seldom(
        "error",
        { installation: installation.settings.name, provider: provider.id, err: error },
        "a question was answered, but could not be stored",
      );
    });
    return { kind, body: provider.reply(question, answer) };
  }
  await flow.store.append(stored);
  return { kind };
}

/** A delivery that a provider's folder cannot read because of a bug is stored: it is listed, and a later version decodes it. */
function readingOf({ limitedLog }: Flow, { provider }: ConfiguredProvider, delivery: Delivery): Reading {
  try {
    return provider.read(delivery);
  } catch (error) {
    if (error instanceof Rejected) throw error;
    limitedLog.seldom(
      "error",
      { installation: delivery.installation, provider: provider.id, err: error },
      "a webhook could not be read; it is stored, and listed at /api/unused",
    );
    return { kind: "unreadable" };
  }
}

/** Only the headers that decoding and `explain` need: no credentials, no cookies. */
function storedHeaders(headers: Delivery["headers"], wanted: readonly string[]): Record<string, string> {
  const stored: Record<string, string> = {};
  for (const name of ["content-type", "user-agent", ...wanted]) {
    const value = headers[name];
    if (value !== undefined) stored[name] = value;
  }
  return stored;
}

function unknownProvider({ settings }: Installation, id: string): string {
  return `installation ${settings.name} has no provider ${JSON.stringify(id.slice(0, 40))}: check the webhook URL, which \`switchhook check\` shows`;
}
