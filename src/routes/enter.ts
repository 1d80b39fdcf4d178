import type { Request, Response } from "express";
import type { Access } from "../access/index.ts";
import type { Principal } from "../core/principal.ts";
import { setSessionCookie } from "./cookies.ts";
import { addressOf, relativeTo } from "./guard.ts";
import { lineOf } from "./rules.ts";

export type EnterParts = {
  access: Pick<Access, "sessions" | "audit">;
  config: { publicUrl: string };
};

/** Opens a session for a browser whose person is known, and sends it on. Writes a line of the audit log. */
export async function enter(
  { access, config }: EnterParts,
  principal: Omit<Principal, "session">,
  { request, response, next }: { request: Request; response: Response; next: unknown },
): Promise<void> {
  const route = { method: request.method, path: request.path };
  const { installation } = principal;
  const end = await access.audit.begin({
    ...lineOf(route, request),
    by: principal,
    ...(installation !== undefined && { installation }),
  });
  const status = 303;
  const { role, listen } = principal;
  const token = await access.sessions.open(principal, addressOf(request));
  setSessionCookie(request, response, config.publicUrl, token);
  await end(status, { after: { role, listen } });
  response.set({ "cache-control": "no-store", "referrer-policy": "no-referrer" });
  response.redirect(status, relativeTo(request.path, pathToGoTo(next)));
}

const longestPath = 2_000;

/** A path of ours with its query; `/` for anything else, so that no link leads to another site. */
export function pathToGoTo(next: unknown): string {
  if (typeof next !== "string" || !next.startsWith("/") || next.length > longestPath) return "/";
  const ours = "http://ours.invalid";
  if (!URL.canParse(next, ours)) return "/";
  const { origin, pathname, search } = new URL(next, ours);
  const isLogin = /^\/(login|logout)(\/|$)/.test(pathname);
  return origin !== ours || isLogin ? "/" : pathname + search;
}
