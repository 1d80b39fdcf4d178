import { randomUUID } from "node:crypto";
import { fold } from "../core/fold.ts";
import type { Delivery, SimulatedCall, SimulatedRequest } from "../core/provider.ts";
import type { ConfiguredProvider } from "../core/runtime.ts";
import { agentIdOf } from "../core/settings.ts";
import type { Installation } from "../flow/installation.ts";
import { type Manifest, readManifest } from "../manifest.ts";
import type { Parts } from "../server/assemble.ts";
import { type CallSummary, summaryOf } from "./calls.ts";
import { type Html, html, pageWith } from "./html.ts";
import { describeInstallations, type InstallationSummary } from "./installations.ts";
import { adminRoute, type Route } from "./route.ts";

/** `/`: the installations, commands to try, and the latest calls. No scripts. */
export function homeRoutes(parts: Parts): Route[] {
  const { identity } = readManifest();
  return [
    adminRoute({
      method: "get",
      path: "/",
      needs: "view",
      handle: async (_, response, __, principal) => {
        const { installation } = principal;
        const installations = await describeInstallations(parts, principal);
        const calls = await parts.flow.store.calls({ limit: 20, ...(installation && { installation }) });
        const page = pageOf(identity, installations, calls.map(summaryOf), triesOf(parts));
        response.set("cache-control", "no-store").type("html").send(page.html);
      },
    }),
    {
      method: "get",
      path: "/style.css",
      guard: "open",
      handle: (_, response) => response.type("css").send(style),
    },
  ];
}

function pageOf(
  { name, version, description }: Manifest["identity"],
  installations: readonly InstallationSummary[],
  calls: readonly CallSummary[],
  tries: Html,
): Html {
  return pageWith(name, {
    header: html`<h1>${name} <small>${version}</small></h1><p>${description}</p>`,
    main: html`<section><h2>Installations</h2><div class="cards">${installations.map(cardOf)}</div></section>
<section><h2>Latest calls</h2>${tableOf(calls)}</section>
${tries}
<section><h2>More</h2>
<p>Why a call looks the way it does: <code>npx switchhook explain &lt;call&gt;</code></p>
<ul><li><a href="/calls">/calls</a>: every call, and why it is where it is</li><li><a href="/api/calls">/api/calls</a></li><li><a href="/api/openapi.json">/api/openapi.json</a>: the API</li>
<li><a href="/metrics">/metrics</a></li><li><a href="/healthz">/healthz</a></li><li><a href="/readyz">/readyz</a></li></ul></section>`,
  });
}

function cardOf(summary: InstallationSummary): Html {
  const { name, crm, region, timeZone, providers, calls, contacts, connection } = summary;
  const lost = connection && connection.state !== "active";
  const synced = contacts.syncedAt ? `synced ${contacts.syncedAt}` : "not synced yet";
  const states = Object.entries(calls).map(
    ([state, n]) => html`<span class="state ${state}">${state} ${n}</span> `,
  );
  return html`<article>
<h3>${name}</h3>
<p>CRM <b>${crm}</b>, region ${region}, ${timeZone}</p>
${lost ? html`<p><span class="state dead">not connected</span> Calls wait: <a href="/install/${crm}">connect it again</a></p>` : ""}
<p>${contacts.indexed} contacts in the index, ${synced}</p>
<p>${states.length > 0 ? states : "no calls yet"}</p>
<dl>${providers.map(({ label, webhook }) => html`<dt>${label}</dt><dd><code>${webhook}</code></dd>`)}</dl>
</article>`;
}

function tableOf(calls: readonly CallSummary[]): Html {
  if (calls.length === 0) return html`<p>No calls yet.</p>`;
  return html`<div class="wide"><table>
<thead><tr><th>First received</th><th>Call</th><th>Who</th><th>Outcome</th><th>Contact</th><th>State</th></tr></thead>
<tbody>${calls.map(rowOf)}</tbody>
</table></div>`;
}

function rowOf({
  key,
  createdAt,
  direction,
  customer,
  number,
  outcome,
  phase,
  contact,
  state,
  reason,
}: CallSummary): Html {
  return html`<tr>
<td>${createdAt}</td>
<td><a href="/calls/${encodeURIComponent(key)}">${key}</a></td>
<td>${direction} ${number ?? customer?.number}</td>
<td>${outcome ?? phase}</td>
<td>${contact ? (contact.name ?? `${contact.kind} ${contact.id}`) : ""}</td>
<td><span class="state ${state}">${state}</span>${reason ? ` ${reason}` : ""}</td>
</tr>
`;
}

/** Commands for installations whose secrets are public: the demo's. */
function triesOf({ installations, config, flow }: Parts): Html {
  const commands = [...installations.values()].filter(isDemo).flatMap((installation) =>
    Object.values(installation.providers).flatMap((configured) => {
      const command = curlFor(installation, configured, { publicUrl: config.publicUrl, now: flow.now() });
      return command ? [html`<h3>${configured.provider.label}</h3><pre>${command}</pre>`] : [];
    }),
  );
  if (commands.length === 0) return html``;
  return html`<section><h2>Try it</h2><p>Paste one into bash or zsh: a call arrives. Signed ones grow old; reload for a new one.</p>${commands}</section>`;
}

/** Checks the name and the published secrets, so that no real secret is ever shown. */
function isDemo({ settings, providers }: Installation): boolean {
  if (settings.name !== "demo") return false;
  const secrets = Object.values(providers).map(({ settings: own }) => JSON.stringify(own));
  return secrets.every((text) => text.includes('["demo-') && !text.includes("whsec_"));
}

/** The style sheet of all our pages. */
const style = `:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #0a7d5a; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; font: 16px/1.5 system-ui, sans-serif; }
header { border-bottom: 1px solid var(--line); margin-bottom: 1.5rem; }
h1 { margin: 0; font-size: 1.7rem; }
h1 small { font-size: 1rem; font-weight: normal; opacity: 0.6; }
h2 { margin: 2rem 0 0.7rem; font-size: 1.2rem; }
h3 { margin: 0 0 0.4rem; font-size: 1rem; }
p { margin: 0.3rem 0; }
a { color: var(--accent); }
code, pre { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { padding: 0.8rem; background: var(--soft); border-radius: 6px; white-space: pre-wrap; user-select: all; }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); }
article { padding: 1rem; border: 1px solid var(--line); border-radius: 8px; }
dl { margin: 0.8rem 0 0; }
dt { font-weight: 600; }
dd { margin: 0 0 0.4rem; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th, td { padding: 0.4rem 0.8rem 0.4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
.state { display: inline-block; padding: 0 0.5rem; border-radius: 1rem; background: var(--soft); font-size: 13px; }
.state.logged { background: #0a7d5a33; }
.state.dead { background: #c0392b44; }
.state.waiting, .state.open { background: #d9a40044; }
`;

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
