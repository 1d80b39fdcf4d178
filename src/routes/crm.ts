import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import type { Parts } from "../server/assemble.ts";
import { withBody } from "./body.ts";
import { anyObject, json, pathParameter, type Route } from "./route.ts";

const largestBody = 1_000_000;

/**
 * `POST /webhooks/:crm`: events about contacts in all accounts that installed our app. Their signature authenticates
 * them.
 */
export function crmWebhookRoutes(parts: Parts): Route[] {
  const { config, flow, room } = parts;
  return [
    {
      method: "post",
      path: "/webhooks/:crm",
      guard: "open",
      summary: "Events about contacts from a CRM, signed by it.",
      replies: {
        200: json("Accepted; contacts to be erased are erased.", anyObject),
        400: "Not a list of events.",
        401: "The signature is wrong or old.",
        404: "This CRM sends no webhooks, or there is no app of ours.",
        413: "Larger than 1 MB.",
      },
      handle: async (request, response) => {
        const crm = pathParameter(request, "crm");
        const url = `${config.publicUrl}${request.originalUrl}`;
        const head = { method: request.method, url, headers: request.headers };
        try {
          const checkBody = parts.installed?.verifyWebhook(crm, head);
          if (!checkBody)
            throw new Rejected(
              404,
              `no webhooks come from ${JSON.stringify(crm.slice(0, 40))}: add your app under \`apps\` in the config file; a provider's webhook URL is longer`,
            );
          await withBody(request, { limit: largestBody, room, isProved: false }, (body) => {
            checkBody(body);
            return parts.accounts.contactEvents(crm, body);
          });
        } catch (error) {
          if (error instanceof Rejected)
            flow.limitedLog.info(
              { crm: crm.slice(0, 40), status: error.status, reason: error.message },
              "webhook turned away",
            );
          throw error;
        }
        response.json({ ok: true });
      },
    },
  ];
}

/**
 * `GET /recordings/of/:crm/:secret/:callId`: a CRM's own player requests our link to a recording. Only the CRM has the
 * secret.
 */
export function crmRecordingRoutes({
  config,
  flow,
  crmRecordings,
}: Pick<Parts, "config" | "flow" | "crmRecordings">): Route[] {
  return [
    {
      method: "get",
      path: "/recordings/of/:crm/:secret/:callId",
      guard: "open",
      summary: "Where a CRM's own player finds a recording; only the CRM has the secret.",
      replies: {
        200: json("The link.", z.object({ authenticatedUrl: z.string() })),
        400: "It does not say whose call it is.",
        401: "The CRM's signature is wrong or old.",
        404: "There is no such call or recording.",
      },
      handle: async (request, response) => {
        const crm = pathParameter(request, "crm");
        const url = `${config.publicUrl}${request.originalUrl}`;
        response.set("cache-control", "private, no-store");
        try {
          const answer = await crmRecordings.answer(crm, {
            secret: pathParameter(request, "secret"),
            callId: pathParameter(request, "callId"),
            head: { method: request.method, url, headers: request.headers },
          });
          response.json(answer);
        } catch (error) {
          if (error instanceof Rejected) {
            flow.limitedLog.info(
              { crm: crm.slice(0, 40), status: error.status, reason: error.message },
              "a CRM's player turned away",
            );
            throw error;
          }
          // Not left to the error handler, which logs the path: the path contains the secret.
          flow.limitedLog.error({ crm: crm.slice(0, 40), err: error }, "a CRM's player got no recording");
          response.status(500).json({ error: "something went wrong here; the log says what" });
        }
      },
    },
  ];
}
