import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Response } from "express";
import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import { type Principal, sees } from "../core/principal.ts";
import type { ConfiguredProvider } from "../core/runtime.ts";
import { whySkipped } from "../flow/calls/due.ts";
import { type Exported, exportOf, findExported } from "../flow/explain/export.ts";
import type { Installation } from "../flow/installation.ts";
import { lastPolled } from "../flow/lost-webhooks/reconcile.ts";
import type { Parts } from "../server/assemble.ts";
import { adminRoute, content, json, noInstallation, pathParameter, type Route, text, time } from "./route.ts";
import { noSuchInstallation } from "./rules.ts";

const lostWebhooks = z.object({ asked: z.boolean(), why: text.optional(), askedAt: time.optional() });

const installationSummary = z
  .object({
    name: text,
    crm: text,
    region: text,
    timeZone: text,
    /** Of one that was made by OAuth. */
    connection: z
      .object({ account: text, state: text, reason: text.optional(), erasedAt: time.optional() })
      .optional(),
    features: z.array(z.object({ feature: text, on: z.boolean(), why: text.optional() })).optional(),
    providers: z.array(
      z.object({
        id: text,
        label: text,
        methods: z.array(text),
        webhook: text,
        lostWebhooks,
      }),
    ),
    calls: z.record(text, z.int()),
    oldestDueAt: time.optional(),
    contacts: z.object({ indexed: z.int(), syncedAt: time.optional() }),
  })
  .meta({ id: "Installation" });

export type InstallationSummary = z.infer<typeof installationSummary>;

/** One that was disconnected. It can be exported, and its account connected again as it was, until `erasedAt`. */
const removedInstallation = z
  .object({
    name: text,
    crm: text,
    account: text.optional(),
    state: z.enum(["removed", "erasing"]),
    leftAt: time.optional(),
    erasedAt: time,
  })
  .meta({ id: "RemovedInstallation" });

const disconnected = z
  .object({ disconnected: text, export: text, exportUntil: time.optional() })
  .meta({ id: "Disconnected" });

export function installationRoutes(parts: Parts): Route[] {
  return [
    adminRoute({
      method: "get",
      path: "/api/installations",
      needs: "view",
      summary: "The installations with their webhook URLs, counts and contact index. No secrets.",
      replies: {
        200: json(
          "All of them, and those that were removed.",
          z.object({ items: z.array(installationSummary), removed: z.array(removedInstallation) }),
        ),
      },
      handle: async (_, response, __, principal) => {
        const removed = (await describeRemoved(parts)).filter(({ name }) => sees(principal, name));
        response.json({ items: await describeInstallations(parts, principal), removed });
      },
    }),
    adminRoute({
      method: "delete",
      path: "/api/installations/:name",
      needs: "operator",
      summary:
        "Disconnects an installation that was made by OAuth and revokes our access at the CRM. Its data is erased later.",
      replies: {
        200: json("It is disconnected, and can be exported until then.", disconnected),
        ...noInstallation,
      },
      handle: async (request, response) => {
        const name = pathParameter(request, "name");
        await parts.accounts.disconnect(name);
        const left = await parts.flow.store.install(name);
        const exportUntil = left && parts.erasing.plannedAt(left);
        response.json({ disconnected: name, export: `/api/installations/${name}/export`, exportUntil });
      },
    }),
  ];
}

/** Every installation that exists for the principal, without its secrets. */
export async function describeInstallations(
  parts: Parts,
  principal: Principal,
): Promise<InstallationSummary[]> {
  const counts = Map.groupBy(await parts.flow.store.counts(), ({ installation }) => installation);
  const found: InstallationSummary[] = [];
  for (const [name, installation] of parts.installations) {
    if (sees(principal, name)) found.push(await describe(parts, installation, counts.get(name) ?? []));
  }
  return found;
}

/** Disconnected installations: their data can be exported until it is erased. */
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
  throw noSuchInstallation(name);
}

type StateCounts = Awaited<ReturnType<Parts["flow"]["store"]["counts"]>>;

async function describe(
  parts: Parts,
  installation: Installation,
  counts: StateCounts,
): Promise<InstallationSummary> {
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
        return {
          id,
          label,
          methods: [...methods],
          webhook: webhookOf(parts, name, configured),
          lostWebhooks,
        };
      }),
    ),
    calls: Object.fromEntries(counts.map(({ state, calls }) => [state, calls])),
    ...(due !== undefined && { oldestDueAt: isoOf(due) }),
    contacts: { indexed: contacts, ...(finishedAt !== undefined && { syncedAt: isoOf(finishedAt) }) },
  };
}

/** Whether the provider is polled for calls whose webhooks were lost, and when it last was. */
async function lostWebhooksOf({ flow }: Parts, installation: Installation, configured: ConfiguredProvider) {
  const why = whySkipped(installation, configured);
  if (why !== undefined) return { asked: false, why };
  const askedAt = await lastPolled(flow, installation.settings.name, configured.provider.id);
  return { asked: true, ...(askedAt !== undefined && { askedAt: isoOf(askedAt) }) };
}

/** Of an installation made by OAuth: its account, its state and its features. */
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

/** The webhook URLs of an installation including secrets, for the person who has just connected it. */
export function webhooksOf(
  parts: Parts,
  { settings: { name }, providers }: Installation,
): { label: string; url: string }[] {
  return Object.values(providers).map((configured) => {
    const { url, query } = webhookUrl(parts, name, configured);
    return { label: configured.provider.label, url: query.startsWith("key=") ? `${url}?${query}` : url };
  });
}

/** The URL to set at the provider, with a placeholder in place of our secret. */
function webhookOf(parts: Parts, name: string, configured: ConfiguredProvider): string {
  const { url, query } = webhookUrl(parts, name, configured);
  return query.startsWith("key=") ? `${url}?key=…` : url;
}

export function webhookUrl({ config }: Parts, name: string, { provider, settings }: ConfiguredProvider) {
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

/** Everything that is stored of an installation, including a removed one until it is erased. */
export function exportRoutes(parts: Parts): Route[] {
  return [
    adminRoute({
      method: "get",
      path: "/api/installations/:name/export",
      needs: ["admin", "listen"],
      summary:
        "Everything that is stored of an installation but its secrets, one JSON object per line, the last of type `end`. Also of a removed one, until it is erased.",
      replies: { 200: content("The lines.", "application/x-ndjson"), ...noInstallation },
      handle: async (request, response) => {
        const name = pathParameter(request, "name");
        const exported = await found(parts, name);
        response.type("application/x-ndjson").set({
          "cache-control": "no-store",
          "content-disposition": `attachment; filename="${exported.name}.ndjson"`,
        });
        if (request.method === "HEAD") response.end();
        else await send(parts, exported, response);
      },
    }),
  ];
}

async function send({ flow }: Parts, exported: Exported, response: Response): Promise<void> {
  try {
    await pipeline(Readable.from(textsOf(flow.store, exported)), response);
  } catch (error) {
    // A client that disconnects needs no log entry. Otherwise the connection breaks, and the last line is missing.
    if (error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE") return;
    flow.log.error({ installation: exported.name, err: error }, "an export broke off");
    response.destroy();
  }
}

async function* textsOf(store: Parts["flow"]["store"], exported: Exported): AsyncGenerator<string> {
  for await (const line of exportOf(store, exported)) yield `${JSON.stringify(line)}\n`;
}

/** Throws `Rejected(404)`. */
async function found({ flow, installations, erasing }: Parts, name: string): Promise<Exported> {
  const exported = await findExported(flow.store, installations, name, erasing.savedMapping(name));
  if (exported) return exported;
  throw new Rejected(
    404,
    `there is no installation ${JSON.stringify(name.slice(0, 40))}, or it is erased: GET /api/installations lists them`,
  );
}
