import type { BodyCheck, Delivery, DeliveryHead, Proof, Reading } from "../core/contracts.ts";
import { Rejected } from "../core/errors.ts";
import type { ConfiguredProvider } from "../core/runtime.ts";
import { answerQuestion } from "./answer.ts";
import type { Flow, Installation } from "./installation.ts";

/** `body`: JSON for the provider; absent = nothing to say. */
export type Receipt = { kind: string; body?: unknown };

/** A request whose head holds. `checkBody`: what is left to prove; absent when the head proves it all. */
export type Admitted = {
  head: DeliveryHead;
  configured: ConfiguredProvider;
  checkBody: BodyCheck | undefined;
};

/** Looks at a request before its body is read, so that a stranger's body costs nothing. Throws `Rejected`. */
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
 * Takes a delivery in: proves where its body comes from, looks at what it is, and makes its bytes durable before anything
 * is answered. A question about a live call is answered first; its bytes are kept, but the caller does not wait for that.
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
  const stored = { ...delivery, headers: keptHeaders(delivery.headers, provider.keepHeaders) };
  if (question && provider.reply) {
    const answer = await answerQuestion(flow, installation, { configured, question, body });
    flow.store.append(stored).catch((error: unknown) => {
      flow.limitedLog.seldom(
        "error",
        { installation: installation.settings.name, provider: provider.id, err: error },
        "a question was answered, but could not be kept",
      );
    });
    return { kind, body: provider.reply(question, answer) };
  }
  await flow.store.append(stored);
  return { kind };
}

/** What a provider's folder cannot read, through a fault of ours, is stored all the same: decoding lists it, and tries again. */
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

/** Only what decoding and explaining need: no credentials, no cookies. */
function keptHeaders(headers: Delivery["headers"], wanted: readonly string[]): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ["content-type", "user-agent", ...wanted]) {
    const value = headers[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

function unknownProvider({ settings }: Installation, id: string): string {
  return `installation ${settings.name} has no provider ${JSON.stringify(id.slice(0, 40))}: check the webhook URL, which \`switchhook check\` shows`;
}
