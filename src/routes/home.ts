import type { Installation } from "../flow/installation.ts";
import { type Manifest, readManifest } from "../manifest.ts";
import type { Parts } from "../parts.ts";
import { type CallSummary, summaryOf } from "./calls.ts";
import { curlFor } from "./curl.ts";
import { type Html, html } from "./html.ts";
import { describeInstallations, type InstallationSummary } from "./installations.ts";
import type { Route } from "./route.ts";
import { style } from "./style.ts";

/** `/`: what runs, what to try, and the latest calls. No scripts. */
export function homeRoutes(parts: Parts): Route[] {
  const { identity } = readManifest();
  return [
    {
      method: "get",
      path: "/",
      guard: "admin",
      handle: async (_, response) => {
        const installations = await describeInstallations(parts);
        const calls = (await parts.flow.store.calls({ limit: 20 })).map(summaryOf);
        const page = pageOf(identity, installations, calls, triesOf(parts));
        response.set("cache-control", "no-store").type("html").send(page.html);
      },
    },
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
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header><h1>${name} <small>${version}</small></h1><p>${description}</p></header>
<main>
<section><h2>Installations</h2><div class="cards">${installations.map(cardOf)}</div></section>
<section><h2>Latest calls</h2>${tableOf(calls)}</section>
${tries}
<section><h2>More</h2>
<p>Why a call looks the way it does: <code>npx switchhook explain &lt;call&gt;</code></p>
<ul><li><a href="/api/calls">/api/calls</a></li><li><a href="/api/openapi.json">/api/openapi.json</a>: the API</li>
<li><a href="/metrics">/metrics</a></li><li><a href="/healthz">/healthz</a></li><li><a href="/readyz">/readyz</a></li></ul></section>
</main>
</body>
</html>
`;
}

function cardOf(summary: InstallationSummary): Html {
  const { name, crm, region, timeZone, providers, calls, contacts } = summary;
  const connection = "connection" in summary ? summary.connection : undefined;
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
<thead><tr><th>First heard</th><th>Call</th><th>Who</th><th>Outcome</th><th>Contact</th><th>State</th></tr></thead>
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
<td><a href="/api/calls/${encodeURIComponent(key)}">${key}</a></td>
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

/** Both the name and the published secrets: nobody else's secret is ever shown. */
function isDemo({ settings, providers }: Installation): boolean {
  const secrets = Object.values(providers).map(({ settings: own }) => JSON.stringify(own));
  return (
    settings.name === "demo" && secrets.every((text) => text.includes('["demo-') && !text.includes("whsec_"))
  );
}
