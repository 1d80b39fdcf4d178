import type { Request, Response } from "express";
import type { SignInWay } from "../access/elsewhere.ts";
import { GrantError } from "../core/crm-app.ts";
import { messageOf, Rejected } from "../core/errors.ts";
import type { Parts } from "../server/assemble.ts";
import { cookieIn, isSecure } from "./cookies.ts";
import { enter, pathToGoTo } from "./enter.ts";
import { sendLoginPage } from "./login.ts";
import { type LoginWord, wordsFor } from "./login-page.ts";
import { pathParameter, type Route } from "./route.ts";

/** Ties the answer of another site to the browser that began. */
const cookieName = "switchhook_sign_in";
const pendingMs = 600_000;

/** `/login/:way`: signing in with another site; `/callback`: that site sends the person back. */
export function signInRoutes(parts: Parts): Route[] {
  const { access, config, flow } = parts;

  const find = (request: Request): [string, SignInWay] => {
    const id = pathParameter(request, "way");
    const way = access.ways.get(id);
    if (way) return [id, way];
    throw new Rejected(
      404,
      `there is no sign-in with ${JSON.stringify(id.slice(0, 40))} here: begin at /login`,
    );
  };

  const refuse = (
    request: Request,
    response: Response,
    why: { word: LoginWord; label: string; next: string },
  ) => {
    const { word, label, next } = why;
    const notice = wordsFor(request).say(word, label);
    response.status(word === "away" ? 503 : 403);
    sendLoginPage(parts, { request, response }, { next, notice, isError: true });
  };

  /** A site that fails is no fault of the person, who is told what to do. */
  const failed = (request: Request, response: Response, way: [string, SignInWay], error: unknown): void => {
    if (error instanceof Rejected) throw error;
    const [id, { label }] = way;
    const reason = error instanceof GrantError ? messageOf(error) : undefined;
    flow.limitedLog.seldom(
      "warn",
      { way: id, ...(reason === undefined ? { err: error } : { reason }) },
      "signing in with another site failed",
    );
    const word = isAway(error) ? "away" : "failed";
    refuse(request, response, { word, label, next: "/" });
  };

  return [
    {
      method: "get",
      path: "/login/:way",
      guard: "open",
      handle: async (request, response) => {
        const way = find(request);
        const where = request.query["where"];
        response.set("cache-control", "no-store");
        try {
          const { url, browser } = await way[1].begin({
            next: pathToGoTo(request.query["next"]),
            ...(typeof where === "string" && where !== "" && { where: where.slice(0, 200) }),
          });
          response.cookie(cookieName, browser, { ...attributesOf(request), maxAge: pendingMs });
          response.redirect(302, url);
        } catch (error) {
          failed(request, response, way, error);
        }
      },
    },
    {
      method: "get",
      path: "/login/:way/callback",
      guard: "open",
      handle: async (request, response) => {
        const way = find(request);
        const [id, { label }] = way;
        response.set({ "cache-control": "no-store", "referrer-policy": "no-referrer" });
        response.clearCookie(cookieName, attributesOf(request));
        try {
          const url = new URL(`${config.publicUrl}${request.originalUrl}`);
          const state = url.searchParams.get("state") ?? "";
          const browser = cookieIn(request, cookieName) ?? "";
          const done = await way[1].finish({ url, state, browser });
          if ("principal" in done)
            return await enter(parts, done.principal, { request, response, next: done.next });
          const { refused, detail, next } = done;
          flow.limitedLog.seldom("warn", { way: id, refused, detail }, "a person was not signed in");
          refuse(request, response, { word: refused, label, next });
        } catch (error) {
          failed(request, response, way, error);
        }
      },
    },
  ];

  /** Lax: the other site sends the person back by a link. */
  function attributesOf(request: Request) {
    const secure = isSecure(request, config.publicUrl);
    return { httpOnly: true, sameSite: "lax", secure, path: "/" } as const;
  }
}

const networkCodes = /^(ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|UND_ERR|OAUTH_TIMEOUT)/;

/** Whether the other site could not be reached. */
function isAway(error: unknown): boolean {
  if (error instanceof GrantError) return error.failure === "later";
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ("code" in cause && networkCodes.test(String(cause.code))) return true;
  return false;
}
