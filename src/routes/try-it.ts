import { randomUUID } from "node:crypto";
import { fold } from "../core/fold.ts";
import type { Delivery, SimulatedCall, SimulatedRequest } from "../core/provider.ts";
import type { ConfiguredProvider } from "../core/runtime.ts";
import { agentIdOf } from "../core/settings.ts";
import type { Installation } from "../flow/installation.ts";

/** A command that makes a call arrive, for an installation whose secrets are public: the demo's. */
export function tryCommand(
  installation: Installation,
  configured: ConfiguredProvider,
  at: { publicUrl: string; now: number },
): string | undefined {
  return isDemo(installation) ? curlFor(installation, configured, at) : undefined;
}

/** Checks the name and the published secrets, so that no real secret is ever shown. */
function isDemo({ settings, providers }: Installation): boolean {
  if (settings.name !== "demo") return false;
  const secrets = Object.values(providers).map(({ settings: own }) => JSON.stringify(own));
  return secrets.every((text) => text.includes('["demo-') && !text.includes("whsec_"));
}

const customer = "+919876543210";
const line = "+918047112233";

/**
 * A command that sends a call, ready to paste into bash or zsh. It contains the provider's secret or signature, so it
 * is only shown for an installation whose secrets are public. Signatures expire: Retell's after five minutes.
 */
function curlFor(
  { settings }: Installation,
  { provider, settings: proofSettings }: ConfiguredProvider,
  { publicUrl, now }: { publicUrl: string; now: number },
): string | undefined {
  const [agent] = settings.agents.flatMap(
    (entry) => agentIdOf([entry], provider.id, { id: "", ...entry }) ?? [],
  );
  const call: SimulatedCall = {
    id: `try-${randomUUID()}`,
    direction: "inbound",
    customer,
    line,
    agent: agent ?? "agent",
    startedAt: new Date(now - 70_000).toISOString(),
    ringSeconds: 6,
    talkSeconds: 61,
    outcome: "completed",
  };
  const url = `${publicUrl}/webhooks/${settings.name}/${provider.id}`;
  const whole = provider.simulate.script(call).find((request) => tellsAll(provider, request, settings.name));
  return whole && commandOf(provider.simulate.sign(whole, proofSettings, { now, url }), url);
}

/** Whether this one request describes a whole call. */
function tellsAll(
  provider: ConfiguredProvider["provider"],
  request: SimulatedRequest,
  installation: string,
): boolean {
  const delivery: Delivery = {
    installation,
    provider: provider.id,
    receivedAt: new Date(0).toISOString(),
    method: request.method,
    url: `/?${request.query}`,
    headers: request.headers,
    body: request.body,
  };
  const events = provider.decode(delivery);
  if (events.length === 0) return false;
  const { phase, customer: who } = fold(events);
  return phase === "ended" && who?.number === customer;
}

function commandOf({ method, query, headers, body }: SimulatedRequest, url: string): string {
  const options = Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  const data = body.length > 0 ? [`--data-binary ${quoted(Buffer.from(body).toString("utf8"))}`] : [];
  return [`curl -X ${method} ${quoted(query ? `${url}?${query}` : url)}`, ...options, ...data].join(
    " \\\n  ",
  );
}

/** Quoted for bash and zsh, which read line ends as `\r\n` in `$'…'` only. */
function quoted(text: string): string {
  if (!/[\r\n]/.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  const escaped = text.replace(/[\\']/g, "\\$&").replaceAll("\r", "\\r").replaceAll("\n", "\\n");
  return `$'${escaped}'`;
}
