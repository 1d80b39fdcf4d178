import type { Request } from "express";
import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import { hasRight, includesRole, type Principal, roles, sees } from "../core/principal.ts";
import type { Parts } from "../server/assemble.ts";
import type { StoredSession } from "../store/contract.ts";
import { adminRoute, json, pathParameter, type Route, text, time } from "./route.ts";
import { noteChange } from "./rules.ts";

const session = z
  .object({
    role: z.enum(roles),
    name: text,
    installation: text.optional().meta({ description: "The only one that exists for this person." }),
    rights: z.object({ listen: z.boolean(), raw: z.boolean(), admin: z.boolean(), operate: z.boolean() }),
    signedInBy: text.meta({ description: "`loopback`, `token`, `oidc`, `link`, or the id of a CRM." }),
    expiresAt: time.optional().meta({ description: "Unless it is used before." }),
  })
  .meta({ id: "Session" });

/** Who is signed in, for the console. */
export type SessionInfo = z.infer<typeof session>;

const listedSession = z
  .object({
    id: text,
    role: z.enum(roles),
    listen: z.boolean(),
    name: text,
    installation: text.optional(),
    signedInBy: text,
    address: text,
    createdAt: time,
    seenAt: time,
    expiresAt: time,
    current: z.boolean().meta({ description: "It is the one that asks." }),
  })
  .meta({ id: "ListedSession" });

/** Sessions of browsers: one's own, and those that an administrator can end. */
export function sessionRoutes({ access }: Pick<Parts, "access">): Route[] {
  const { sessions } = access;
  return [
    adminRoute({
      method: "get",
      path: "/api/session",
      needs: "view",
      summary: "Who is signed in, and what they may do.",
      replies: { 200: json("The session.", session) },
      handle: (_, response, __, principal) => response.json(infoOf(principal)),
    }),
    adminRoute({
      method: "get",
      path: "/api/sessions",
      needs: "admin",
      summary: "Browsers that are signed in, the last used first.",
      replies: { 200: json("All of them.", z.object({ items: z.array(listedSession) })) },
      handle: async (_, response, __, principal) => {
        const found = await sessions.list(principal.installation);
        response.json({ items: found.map((one) => listed(one, principal)) });
      },
    }),
    adminRoute({
      method: "delete",
      path: "/api/sessions/:id",
      needs: "admin",
      summary: "Signs a browser out.",
      replies: { 200: json("It has ended.", z.object({ ended: text })), 404: "There is no such session." },
      handle: async (request, response, _, principal) => {
        const stored = await visible(request, principal);
        if (!includesRole(principal.role, stored.role))
          throw new Rejected(403, "only an operator can end the session of an operator");
        noteChange(response, { before: { name: stored.name, role: stored.role } });
        if (stored.installation !== undefined) noteChange(response, { installation: stored.installation });
        await sessions.end(stored.id);
        response.json({ ended: stored.id });
      },
    }),
  ];

  async function visible(request: Request, principal: Principal): Promise<StoredSession> {
    const stored = await sessions.stored(pathParameter(request, "id"));
    // A session without an installation sees all, so it is none of an administrator of one.
    if (stored && sees(principal, stored.installation ?? "")) return stored;
    throw new Rejected(404, "there is no such session, or it has ended: GET /api/sessions lists them");
  }
}

function infoOf(principal: Principal): SessionInfo {
  const { role, name, installation, signedInBy, session } = principal;
  return {
    role,
    name,
    ...(installation !== undefined && { installation }),
    rights: {
      listen: hasRight(principal, "listen"),
      raw: hasRight(principal, "raw"),
      admin: hasRight(principal, "admin"),
      operate: hasRight(principal, "operator"),
    },
    signedInBy,
    ...(session && { expiresAt: isoOf(session.expiresAt) }),
  };
}

function listed(stored: StoredSession, principal: Principal): z.infer<typeof listedSession> {
  const { credential: _, createdAt, seenAt, expiresAt, ...rest } = stored;
  return {
    ...rest,
    createdAt: isoOf(createdAt),
    seenAt: isoOf(seenAt),
    expiresAt: isoOf(expiresAt),
    current: principal.session?.id === stored.id,
  };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
