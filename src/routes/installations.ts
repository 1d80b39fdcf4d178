import { Rejected } from "../core/errors.ts";
import type { ConfiguredProvider } from "../core/runtime.ts";
import { whySkipped } from "../flow/calls/due.ts";
import type { Installation } from "../flow/installation.ts";
import { lastAsked } from "../flow/lost-webhooks/reconcile.ts";
import type { Parts } from "../server/assemble.ts";
import { noQuery } from "./query.ts";
import { adminRoute, type Route } from "./route.ts";

export function installationRoutes(parts: Parts): Route[] {
  return [
    adminRoute("get", "/api/installations", noQuery, async (_, response) => {
      response.json({ items: await describeInstallations(parts), removed: await describeRemoved(parts) });
    }),
  ];
}

export type InstallationSummary = Awaited<ReturnType<typeof describe>>;

/** What an administrator wants to know about every installation, without its secrets. */
export async function describeInstallations(parts: Parts): Promise<InstallationSummary[]> {
  const counts = Map.groupBy(await parts.flow.store.counts(), ({ installation }) => installation);
  const found: InstallationSummary[] = [];
  for (const [name, installation] of parts.installations) {
    found.push(await describe(parts, installation, counts.get(name) ?? []));
  }
  return found;
}

/** Those that somebody disconnected: what is kept of them can be exported until they are erased. */
async function describeRemoved({ flow, erasing }: Parts) {
  const gone = (await flow.store.installs()).filter(
    ({ state }) => state === "removed" || state === "erasing",
  );
  return gone.map((install) => ({
    name: install.name,
    crm: install.crm,
    state: install.state,
    ...(install.state === "removed" && { account: install.account }),
    ...(install.leftAt !== undefined && { leftAt: isoOf(install.leftAt) }),
    erasedAt: erasing.plannedAt(install),
  }));
}

/** Throws `Rejected(404)`. */
export function findInstallation({ installations }: Parts, name: string): Installation {
  const installation = installations.get(name);
  if (installation) return installation;
  const known = [...installations.keys()].join(", ") || "none";
  throw new Rejected(404, `there is no installation ${JSON.stringify(name.slice(0, 40))}: there is ${known}`);
}

type StateCounts = Awaited<ReturnType<Parts["flow"]["store"]["counts"]>>;

async function describe(parts: Parts, installation: Installation, counts: StateCounts) {
  const { settings, crm, providers } = installation;
  const { name, region, timeZone } = settings;
  const { store } = parts.flow;
  const { finishedAt } = await store.syncState(name);
  const due = await store.nextDue(name);
  const contacts = await store.countContacts(name);
  return {
    name,
    crm,
    region,
    timeZone,
    ...connectionOf(parts, name),
    providers: await Promise.all(
      Object.values(providers).map(async (configured) => {
        const { id, label, methods } = configured.provider;
        const lostWebhooks = await lostWebhooksOf(parts, installation, configured);
        return { id, label, methods, webhook: webhookOf(parts, name, configured), lostWebhooks };
      }),
    ),
    calls: Object.fromEntries(counts.map(({ state, calls }) => [state, calls])),
    ...(due !== undefined && { oldestDueAt: isoOf(due) }),
    contacts: { indexed: contacts, ...(finishedAt !== undefined && { syncedAt: isoOf(finishedAt) }) },
  };
}

/** Whether the provider is asked for calls that its webhooks did not tell of, and when it last was. */
async function lostWebhooksOf({ flow }: Parts, installation: Installation, configured: ConfiguredProvider) {
  const why = whySkipped(installation, configured);
  if (why !== undefined) return { asked: false, why };
  const askedAt = await lastAsked(flow, installation.settings.name, configured.provider.id);
  return { asked: true, ...(askedAt !== undefined && { askedAt: isoOf(askedAt) }) };
}

/** Of one that was made by OAuth: whose account it is, whether it still is, and what it lets us do. */
function connectionOf({ installed, erasing }: Parts, name: string) {
  const install = installed?.stateOf(name);
  if (!installed || !install) return {};
  const { account, state, reason } = install;
  const erasedAt = erasing.plannedAt(install);
  const plannedErasure = erasedAt === undefined ? {} : { erasedAt };
  return {
    connection: { account, state, ...(reason !== undefined && { reason }), ...plannedErasure },
    features: installed.featuresOf(name),
  };
}

/** The webhook URLs of an installation, secrets included: only for whoever has just connected it. */
export function webhooksOf(
  parts: Parts,
  { settings: { name }, providers }: Installation,
): { label: string; url: string }[] {
  return Object.values(providers).map((configured) => {
    const { url, query } = webhookUrl(parts, name, configured);
    return { label: configured.provider.label, url: query.startsWith("key=") ? `${url}?${query}` : url };
  });
}

/** The URL to set at the provider. Where it takes our secret there is a placeholder for it. */
function webhookOf(parts: Parts, name: string, configured: ConfiguredProvider): string {
  const { url, query } = webhookUrl(parts, name, configured);
  return query.startsWith("key=") ? `${url}?key=…` : url;
}

function webhookUrl({ config }: Parts, name: string, { provider, settings }: ConfiguredProvider) {
  const url = `${config.publicUrl}/webhooks/${name}/${provider.id}`;
  const nothing = {
    afterSeconds: 0,
    method: "POST",
    query: "",
    headers: {},
    body: new Uint8Array(),
  } as const;
  const { query } = provider.simulate.sign(nothing, settings, { now: 0, url });
  return { url, query };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
