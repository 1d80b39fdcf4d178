import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import { hasRight, type Principal } from "../core/principal.ts";
import type { ConfiguredProvider } from "../core/runtime.ts";
import { checkCrm } from "../flow/checks.ts";
import { gapsOf } from "../flow/contacts/unknown-agents.ts";
import type { Installation } from "../flow/installation.ts";
import type { Parts } from "../server/assemble.ts";
import type { DeliveryNote, RefusedWebhooks } from "../store/contract.ts";
import { findInstallation, webhookUrl } from "./installations.ts";
import { adminRoute, json, noInstallation, pathParameter, type Route, text, time } from "./route.ts";
import { tryCommand } from "./try-it.ts";

const states = ["done", "open", "problem"] as const;

const provider = z.object({
  id: text,
  label: text,
  state: z.enum(states),
  url: text.meta({ description: "With our secret for administrators; for others it is left out." }),
  lastCallAt: time.optional().meta({ description: "When its newest call last changed." }),
  refused: z
    .object({ status: z.int(), count: z.int(), lastAt: time, reason: text })
    .optional()
    .meta({ description: "The latest kind of refusal, when it is newer than the last call." }),
  command: text
    .optional()
    .meta({ description: "Of the demo: makes a call arrive when it is pasted into a shell." }),
  unusedAt: time.optional().meta({ description: "When a webhook came that gave no event." }),
});

const checklist = z
  .object({
    installation: text,
    crm: z.object({ type: text, state: z.enum(states), reason: text.optional(), account: text.optional() }),
    contacts: z.object({ state: z.enum(states), indexed: z.int(), syncedAt: time.optional() }),
    providers: z.array(provider),
    agents: z.object({
      state: z.enum(states),
      unknown: z.array(z.object({ provider: text, id: text, name: text.optional(), calls: z.int() })),
      withoutUser: z.array(text).meta({ description: "E-mail addresses of agents that no CRM user has." }),
    }),
    logged: z.object({ state: z.enum(states), calls: z.int(), refused: z.int() }),
    done: z.int(),
    total: z.int(),
  })
  .meta({ id: "Checklist" });

/** What is still missing until an installation logs calls. */
export type Checklist = z.infer<typeof checklist>;

const checked = z
  .object({
    checks: z.array(
      z.object({
        check: text,
        says: text.optional(),
        faults: z.array(z.object({ at: text, problem: text, cure: text.optional() })),
      }),
    ),
  })
  .meta({ id: "CrmChecks" });

/** The answers of the CRM to the checks of `switchhook check`. */
export type CrmChecks = z.infer<typeof checked>;

const testResult = z
  .object({
    url: text,
    status: z.int().optional().meta({ description: "Absent when there was no answer." }),
    understood: z
      .object({
        kind: text,
        events: z.int(),
        phase: text.optional(),
        direction: text.optional(),
        outcome: text.optional(),
      })
      .optional(),
    problem: text.optional(),
  })
  .meta({ id: "TestWebhook" });

/** The outcome of a test webhook. */
export type TestWebhook = z.infer<typeof testResult>;

/** Whether an installation is set up, and tests for it. */
export function checklistRoutes(parts: Parts): Route[] {
  const path = "/api/installations/:name";
  return [
    adminRoute({
      method: "get",
      path: `${path}/checklist`,
      needs: "view",
      summary: "What is done and what is missing until this installation logs calls.",
      replies: { 200: json("The checklist.", checklist), ...noInstallation },
      handle: async (request, response, _, principal) => {
        response.json(
          await checklistOf(parts, findInstallation(parts, pathParameter(request, "name")), principal),
        );
      },
    }),

    adminRoute({
      method: "post",
      path: `${path}/check`,
      needs: "admin",
      summary:
        "Asks the CRM whether it can be reached and takes what the mapping gives it, as `switchhook check` does.",
      replies: { 200: json("What was checked, with all faults and cures.", checked), ...noInstallation },
      handle: async (request, response) => {
        const installation = findInstallation(parts, pathParameter(request, "name"));
        const { name } = installation.settings;
        const checks = await checkCrm(installation, parts.mappings.get(name)?.path() ?? "mapping");
        response.json({ checks });
      },
    }),

    adminRoute({
      method: "post",
      path: `${path}/providers/:provider/test`,
      needs: "admin",
      summary:
        "Sends a missed call to the public address of this provider's webhooks, signed as the provider signs. It is verified and decoded, and neither stored nor logged.",
      replies: { 200: json("What became of it.", testResult), ...noInstallation },
      handle: async (request, response) => {
        const installation = findInstallation(parts, pathParameter(request, "name"));
        const configured = providerOf(installation, pathParameter(request, "provider"));
        const { name } = installation.settings;
        const { url } = webhookUrl(parts, name, configured);
        response.json(
          await parts.testWebhooks.send(configured, {
            url,
            installation: name,
            customer: "+31202000000",
            line: "+31202000001",
          }),
        );
      },
    }),
  ];
}

/** Throws `Rejected(404)`. */
function providerOf({ providers, settings }: Installation, id: string): ConfiguredProvider {
  const configured = Object.hasOwn(providers, id) ? providers[id] : undefined;
  if (configured) return configured;
  const known = Object.keys(providers).join(", ") || "none";
  throw new Rejected(
    404,
    `installation ${settings.name} has no provider ${JSON.stringify(id.slice(0, 40))}; it has: ${known}`,
  );
}

async function checklistOf(
  parts: Parts,
  installation: Installation,
  principal: Principal,
): Promise<Checklist> {
  const { name } = installation.settings;
  const { store } = parts.flow;
  const install = parts.installed?.stateOf(name);
  const isConnected = install === undefined || install.state === "active";
  const { finishedAt } = await store.syncState(name);
  const gaps = await gapsOf(parts.flow, installation);
  const counts = (await store.counts()).filter((count) => count.installation === name);
  const callsIn = (state: string) => counts.find((count) => count.state === state)?.calls ?? 0;
  const received = { refused: await store.refusals(name), unused: await store.unusedDeliveries(20, name) };
  const providers = await Promise.all(
    Object.values(installation.providers).map((configured) =>
      providerState({ parts, installation, principal, received }, configured),
    ),
  );
  const hasGaps = gaps.agentsWithoutUser.length > 0 || gaps.unknownAgents.length > 0;
  const crm = {
    type: installation.crm,
    state: isConnected ? ("done" as const) : ("problem" as const),
    ...(install?.reason !== undefined && { reason: install.reason }),
    ...(install && { account: install.account }),
  };
  const contacts = {
    state: finishedAt === undefined ? ("open" as const) : ("done" as const),
    indexed: await store.countContacts(name),
    ...(finishedAt !== undefined && { syncedAt: isoOf(finishedAt) }),
  };
  const agents = {
    state: hasGaps ? ("open" as const) : ("done" as const),
    unknown: gaps.unknownAgents.map(({ provider: at, ids, name: called, calls }) => ({
      provider: at,
      id: ids[0] ?? "",
      ...(called !== undefined && { name: called }),
      calls,
    })),
    withoutUser: gaps.agentsWithoutUser,
  };
  const logged = {
    state:
      callsIn("dead") > 0
        ? ("problem" as const)
        : callsIn("logged") > 0
          ? ("done" as const)
          : ("open" as const),
    calls: callsIn("logged"),
    refused: callsIn("dead"),
  };
  const items = [crm, contacts, ...providers, agents, logged];
  const done = items.filter(({ state }) => state === "done").length;
  return { installation: name, crm, contacts, providers, agents, logged, done, total: items.length };
}

type ProviderContext = {
  parts: Parts;
  installation: Installation;
  principal: Principal;
  /** Of all providers. */
  received: { refused: readonly RefusedWebhooks[]; unused: readonly DeliveryNote[] };
};

async function providerState(
  { parts, installation, principal, received }: ProviderContext,
  configured: ConfiguredProvider,
): Promise<Checklist["providers"][number]> {
  const { name } = installation.settings;
  const { id, label } = configured.provider;
  const { store } = parts.flow;
  const [newest] = (await store.findCalls({ installation: name, provider: id, limit: 1 })).calls;
  const lastAt = newest?.updatedAt ?? 0;
  const refused = received.refused.find((one) => one.provider === id && one.lastAt > lastAt);
  const unused = received.unused.find((one) => one.provider === id);
  const { url, query } = webhookUrl(parts, name, configured);
  const command = tryCommand(installation, configured, {
    publicUrl: parts.config.publicUrl,
    now: parts.flow.now(),
  });
  const shown = hasRight(principal, "admin") && query.startsWith("key=") ? `${url}?${query}` : url;
  return {
    id,
    label,
    state: refused ? "problem" : newest ? "done" : "open",
    url: shown,
    ...(newest && { lastCallAt: isoOf(newest.updatedAt) }),
    ...(refused && {
      refused: {
        status: refused.status,
        count: refused.count,
        lastAt: isoOf(refused.lastAt),
        reason: refused.reason,
      },
    }),
    ...(command !== undefined && { command }),
    ...(unused && !newest && { unusedAt: unused.receivedAt }),
  };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
