import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import { sees } from "../core/principal.ts";
import type { Installation } from "../flow/installation.ts";
import type { Parts } from "../server/assemble.ts";
import type { FoundDelivery } from "../store/contract.ts";
import { adminRoute, badQuery, json, pathParameter, type Route, text, time, unusedQuery } from "./route.ts";
import { deliverySeenBy } from "./seen-by.ts";

const defaultLimit = 50;

export const deliverySchema = z
  .object({
    id: z.int(),
    installation: text,
    provider: text,
    receivedAt: time,
    method: text,
    url: text,
    kind: text.optional(),
    state: z.enum(["new", "decoded", "fault"]),
    fault: text.optional(),
    events: z.int(),
    repeats: z.int(),
  })
  .meta({ id: "Delivery" });

const rawDelivery = deliverySchema
  .extend({
    headers: z.record(text, text),
    body: text.meta({ description: "As text, or in base64 when it is no UTF-8. Secrets are masked." }),
    encoding: z.enum(["utf8", "base64"]),
    calls: z.array(text).meta({ description: "The keys of the calls that it tells of." }),
  })
  .meta({ id: "RawDelivery" });

/** One webhook with its bytes. */
export type RawDelivery = z.infer<typeof rawDelivery>;

/** Webhooks as they were received, and those that gave no event. */
export function deliveryRoutes(parts: Parts): Route[] {
  const { store } = parts.flow;
  return [
    adminRoute({
      method: "get",
      path: "/api/unused",
      needs: "view",
      summary: "Deliveries that gave no event: unknown kinds and faults, the latest first.",
      query: unusedQuery,
      replies: {
        200: json("Deliveries.", z.object({ items: z.array(deliverySchema), next: text.optional() })),
        ...badQuery,
      },
      handle: async (_, response, { limit, installation }, principal) => {
        const found = await store.unusedDeliveries(limit ?? defaultLimit, installation);
        response.json({ items: found.map((delivery) => deliverySeenBy(principal, delivery)) });
      },
    }),

    adminRoute({
      method: "get",
      path: "/api/deliveries/:id",
      needs: "raw",
      summary: "One webhook as it was received: headers and body, with the installation's secrets masked.",
      replies: {
        200: json("The webhook.", rawDelivery),
        404: "There is no such webhook, or it is not stored any more.",
      },
      handle: async (request, response, _, principal) => {
        const given = pathParameter(request, "id");
        const found = /^\d{1,16}$/.test(given) ? await store.delivery(Number(given)) : undefined;
        if (!found || !sees(principal, found.note.installation)) throw noSuchDelivery(given);
        response.json(rawOf(found, parts.installations.get(found.note.installation)));
      },
    }),
  ];
}

function noSuchDelivery(given: string): Rejected {
  const id = JSON.stringify(given.slice(0, 20));
  return new Rejected(
    404,
    `there is no webhook ${id}: it was deleted after its time (retentionDays), or erased with its caller`,
  );
}

function rawOf(
  { note, delivery, calls }: FoundDelivery,
  installation: Installation | undefined,
): RawDelivery {
  const hide = masker(installation);
  const body = Buffer.from(delivery.body);
  const plain = body.toString("utf8");
  const isText = Buffer.from(plain, "utf8").equals(body);
  const headers = Object.entries(delivery.headers).map(([name, value]) => [name, hide(String(value))]);
  return {
    ...note,
    url: hide(note.url),
    headers: Object.fromEntries(headers),
    body: isText ? hide(plain) : body.toString("base64"),
    encoding: isText ? "utf8" : "base64",
    calls,
  };
}

/** A shorter text is no secret, and may stand anywhere by chance. */
const shortestSecret = 6;
const secretSetting = /secret|key|token|password/i;
/** The query of a link may be a credential that plays a recording. */
const linkQuery = /(https?:(?:\\?\/){2}[^\s"'<>?]+\?)[^\s"'<>]+/g;

/** Hides what the settings of the providers keep secret, and the queries of links. */
function masker(installation: Installation | undefined): (text: string) => string {
  const secrets = Object.values(installation?.providers ?? {})
    .flatMap(({ settings }) => secretsIn(settings))
    .filter((text) => text.length >= shortestSecret)
    .sort((a, b) => b.length - a.length);
  return (text) =>
    secrets.reduce((masked, secret) => masked.replaceAll(secret, "•••"), text.replace(linkQuery, "$1•••"));
}

function secretsIn(settings: unknown, isSecret = false): string[] {
  if (typeof settings === "string") return isSecret ? [settings] : [];
  if (Array.isArray(settings)) return settings.flatMap((one) => secretsIn(one, isSecret));
  if (typeof settings !== "object" || settings === null) return [];
  return Object.entries(settings).flatMap(([name, value]) =>
    secretsIn(value, isSecret || secretSetting.test(name)),
  );
}
