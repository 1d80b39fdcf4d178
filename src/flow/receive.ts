import type { Delivery, Proof } from "../core/contracts.ts";
import { Rejected } from "../core/errors.ts";
import { answerQuestion } from "./answer.ts";
import type { Flow, Installation } from "./installation.ts";

/** `body`: JSON for the provider; absent = nothing to say. */
export type Receipt = { kind: string; body?: unknown };

/**
 * Takes a delivery in: proves where it comes from, looks at what it is, and makes its bytes durable before anything
 * is answered. A question about a live call is answered first; its bytes are kept, but the caller does not wait for that.
 * Throws `Rejected`, or whatever the disk says.
 */
export async function receive(
  flow: Flow,
  installation: Installation,
  delivery: Delivery,
  proof: Proof,
): Promise<Receipt> {
  const configured = Object.hasOwn(installation.providers, delivery.provider)
    ? installation.providers[delivery.provider]
    : undefined;
  if (!configured) throw new Rejected(404, unknownProvider(installation, delivery.provider));
  const { provider, settings } = configured;
  if (!provider.methods.some((method) => method === delivery.method)) {
    throw new Rejected(405, `${provider.label} webhooks use ${provider.methods.join(" or ")}`);
  }
  provider.verify(delivery, settings, proof);
  const { kind, question } = provider.read(delivery);
  const stored = { ...delivery, headers: keptHeaders(delivery.headers, provider.keepHeaders) };
  if (question && provider.reply) {
    const answer = await answerQuestion(flow, installation, configured, question, delivery);
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

/** Only what decoding and explaining need: no credentials, no cookies. */
function keptHeaders(headers: Delivery["headers"], wanted: readonly string[]): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of ["content-type", "user-agent", ...wanted]) {
    const value = headers[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

function unknownProvider({ settings, providers }: Installation, id: string): string {
  const known = Object.keys(providers).join(", ") || "none";
  return `installation ${settings.name} has no provider ${JSON.stringify(id.slice(0, 40))}: it has ${known}`;
}
