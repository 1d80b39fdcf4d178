import type { IncomingMessage } from "node:http";
import type { Request, Response } from "express";
import { longestMs } from "../access/sessions.ts";
import { isLoopbackAuthority } from "../core/loopback.ts";

/** With a certificate, browsers take the name from this very host only, and over HTTPS only. */
const secureName = "__Host-switchhook";
const plainName = "switchhook";

/** The value of the session's cookie. */
export function sessionCookieIn(request: IncomingMessage, publicUrl: string): string | undefined {
  const secure = cookieIn(request, secureName);
  const mayBePlain = !publicUrl.startsWith("https:") || isLoopbackAuthority(request.headers.host);
  return secure ?? (mayBePlain ? cookieIn(request, plainName) : undefined);
}

export function setSessionCookie(
  request: Request,
  response: Response,
  publicUrl: string,
  token: string,
): void {
  const secure = isSecure(request, publicUrl);
  response.cookie(secure ? secureName : plainName, token, { ...attributesOf(secure), maxAge: longestMs });
}

export function clearSessionCookie(response: Response): void {
  response.clearCookie(secureName, attributesOf(true));
  response.clearCookie(plainName, attributesOf(false));
}

/** Whether the browser's own connection is HTTPS. The server of a public URL may be open on its machine as well. */
export function isSecure({ headers }: Request, publicUrl: string): boolean {
  const { origin } = headers;
  return (origin !== undefined && URL.canParse(origin) ? origin : publicUrl).startsWith("https:");
}

/** Lax: links from a CRM or a mail lead to pages that need it. The path before ours is known to a proxy only. */
function attributesOf(secure: boolean) {
  return { httpOnly: true, sameSite: "lax", secure, path: "/" } as const;
}

/** The value of a cookie; undefined when it is absent or empty. */
export function cookieIn({ headers }: IncomingMessage, name: string): string | undefined {
  const pairs = (headers.cookie ?? "").split(";").map((pair) => pair.trim().split("="));
  return pairs.find(([one]) => one === name)?.[1] || undefined;
}
