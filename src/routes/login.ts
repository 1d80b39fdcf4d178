import type { Request, Response } from "express";
import { Rejected } from "../core/errors.ts";
import { sameSecret } from "../lib/secrets.ts";
import type { Parts } from "../server/assemble.ts";
import { readForm } from "./body.ts";
import { clearSessionCookie } from "./cookies.ts";
import { enter, pathToGoTo } from "./enter.ts";
import { refuseOtherHosts, refuseOtherSites, relativeTo } from "./guard.ts";
import { type LoginPage, type LoginWord, loginPage, loginStyle, wordsFor } from "./login-page.ts";
import { adminRoute, type Route } from "./route.ts";

/** `/login` and `/logout`: the admin token opens a session. */
export function loginRoutes(parts: Parts): Route[] {
  const { access, config } = parts;
  return [
    {
      method: "get",
      path: "/login",
      guard: "open",
      handle: (request, response) => {
        const next = pathToGoTo(request.query["next"]);
        const isOut = request.query["out"] !== undefined;
        const isOnlyWay = access.adminToken === undefined && access.ways.size === 1;
        if (isOnlyWay && access.ways.has("oidc") && !isOut)
          return response.redirect(303, `./login/oidc?${new URLSearchParams({ next })}`);
        const notice = isOut ? { notice: wordsFor(request).say("signedOut") } : {};
        return sendLoginPage(parts, { request, response }, { next, ...notice });
      },
    },
    {
      method: "post",
      path: "/login",
      guard: "open",
      handle: signIn,
    },
    {
      method: "get",
      path: "/login.css",
      guard: "open",
      handle: (_, response) => response.type("css").send(loginStyle),
    },
    adminRoute({
      method: "post",
      path: "/logout",
      needs: "view",
      summary: "Signs this browser out. A browser is sent to the login page.",
      replies: {
        204: { about: "It is signed out." },
        303: { about: "It is signed out: to the login page." },
      },
      handle: async (request, response, _, { session }) => {
        if (session) await access.sessions.end(session.id);
        clearSessionCookie(response);
        if (request.accepts("json", "html") === "html") response.redirect(303, "./login?out=1");
        else response.status(204).end();
      },
    }),
  ];

  async function signIn(request: Request, response: Response): Promise<void> {
    refuseOtherSites(request, config.publicUrl);
    refuseOtherHosts(request, config.publicUrl);
    const form = await readForm(request, parts.room);
    const next = pathToGoTo(form.get("next"));
    const fail = (status: number, word: LoginWord) => {
      const notice = wordsFor(request).say(word);
      response.status(status);
      sendLoginPage(parts, { request, response }, { next, notice, isError: true });
    };
    const given = form.get("token")?.trim() ?? "";
    if (access.adminToken === undefined) return fail(403, "none");
    if (sameSecret(given, access.adminToken)) {
      const principal = { role: "operator", listen: true, name: "admin token", signedInBy: "token" } as const;
      return enter(parts, principal, { request, response, next });
    }
    try {
      await access.refusals.refused(request.socket.remoteAddress ?? "unknown");
      fail(401, "wrongToken");
    } catch (error) {
      if (!(error instanceof Rejected)) throw error;
      response.set("retry-after", String(error.retryAfterSeconds));
      fail(error.status, "tooMany");
    }
  }
}

type Visit = { request: Request; response: Response };

/** The login page, perhaps with a sentence about what just happened. */
export function sendLoginPage(
  { access }: Pick<Parts, "access">,
  { request, response }: Visit,
  page: Pick<LoginPage, "next" | "notice" | "isError">,
): void {
  const ways = { hasToken: access.adminToken !== undefined, others: linksOf(access.ways) };
  response.set("cache-control", "no-store");
  response
    .type("html")
    .send(loginPage(wordsFor(request), { ...ways, ...page }, relativeTo(request.path, "/")).html);
}

/** Salesforce's sandboxes sign in elsewhere; HubSpot has one place for all. */
function linksOf(ways: Parts["access"]["ways"]): LoginPage["others"] {
  return [...ways].flatMap(([path, { label }]) =>
    path === "salesforce"
      ? [
          { path, label },
          { path: `${path}?where=sandbox`, label: `${label} (sandbox)` },
        ]
      : [{ path, label }],
  );
}
