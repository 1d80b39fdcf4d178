import type { Request, Response } from "express";
import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import { isRegion } from "../core/phone.ts";
import type { Installed } from "../installations/installer.ts";
import type { Parts } from "../server/assemble.ts";
import { cookieIn } from "./cookies.ts";
import { type Html, html, pageWith } from "./html.ts";
import { findInstallation, webhooksOf } from "./installations.ts";
import { pathParameter, type Route, readQuery } from "./route.ts";

/** Ties a consent to the browser that began it. */
const cookieName = "switchhook_install";

const start = z.object({
  region: z
    .string()
    .trim()
    .toUpperCase()
    .refine(isRegion, 'is not an ISO country code of two letters, such as "NL" or "IN"')
    .optional(),
  where: z.string().trim().max(200).optional(),
});

/** The CRM adds parameters of its own. */
const answer = z.object({
  code: z.string().max(4_000).optional(),
  state: z.string().max(500).default(""),
  error: z.string().max(200).optional(),
  error_description: z.string().max(500).optional(),
});

/** `/install/:crm`: an administrator of a CRM connects their account; `/callback`: the CRM sends them back. */
export function installRoutes(parts: Parts): Route[] {
  return [
    {
      method: "get",
      path: "/install/:crm",
      guard: "open",
      handle: (request, response) => begin(parts, request, response),
    },
    {
      method: "get",
      path: "/install/:crm/callback",
      guard: "open",
      handle: (request, response) => finish(parts, request, response),
    },
  ];
}

function begin(parts: Parts, request: Request, response: Response): void {
  const { installer } = parts.installed ?? {};
  const crm = pathParameter(request, "crm");
  const known = installer?.crms.get(crm);
  if (!installer || !known)
    throw new Rejected(
      404,
      `there is no CRM ${JSON.stringify(crm.slice(0, 40))} to install: add your app under \`apps\` in the config file`,
    );
  const { region, where } = readQuery(start, request.query);
  response.set("cache-control", "no-store");
  if (region === undefined) {
    // The form redirects to the CRM, and browsers check the target of a form against the policy.
    response.set(
      "content-security-policy",
      "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' https: http://127.0.0.1:*",
    );
    response.type("html").send(startPage(crm, known.label).html);
    return;
  }
  const { url, browser } = installer.begin(crm, { region, ...(where && { where }) });
  const secure = parts.config.publicUrl.startsWith("https:");
  // Lax: the CRM sends the person back by a link, which carries only Lax cookies.
  response.cookie(cookieName, browser, {
    httpOnly: true,
    sameSite: "lax",
    secure,
    path: "/install",
    maxAge: 600_000,
  });
  response.redirect(302, url);
}

async function finish(parts: Parts, request: Request, response: Response): Promise<void> {
  const crm = pathParameter(request, "crm");
  const { code, state, error, error_description: words } = readQuery(answer, request.query);
  response.set({ "cache-control": "no-store", "referrer-policy": "no-referrer" });
  response.clearCookie(cookieName, { path: "/install" });
  const again = `Begin again at /install/${crm.slice(0, 40)}.`;
  if (error === "access_denied")
    throw new Rejected(400, `you did not agree, so nothing was connected. ${again}`);
  if (error !== undefined || code === undefined)
    throw new Rejected(400, `the CRM did not send a consent (${words ?? error ?? "no code"}). ${again}`);
  const done = await parts.accounts.install(crm, {
    code,
    state,
    browser: cookieIn(request, cookieName) ?? "",
  });
  const label = parts.installed?.installer.crms.get(crm)?.label ?? crm;
  response.type("html").send(donePage(parts, label, done).html);
}

function startPage(crm: string, label: string): Html {
  return page(
    `Connect ${label}`,
    html`<p>Calls of your telephony provider will be logged in your ${label} account. You will be asked to agree there.</p>
<form method="get" action="/install/${crm}">
<p><label>Country that national phone numbers are read in, as two letters
<input name="region" required minlength="2" maxlength="2" pattern="[A-Za-z]{2}" placeholder="NL"></label></p>
<p><label>Sandbox, My Domain or region of the account (leave it empty if you have none)
<input name="where" maxlength="200"></label></p>
<p><button>Go on to ${label}</button></p>
</form>`,
  );
}

function donePage(parts: Parts, label: string, { install, body, isNew }: Installed): Html {
  const installation = findInstallation(parts, install.name);
  const hooks = webhooksOf(parts, installation);
  const waiting = isNew
    ? html`<p>Set these webhook URLs at your telephony providers. They are secret: anyone who has one can send calls.</p>`
    : html`<p>The account was connected before: its settings and webhook URLs are as they were, and calls that waited are logged now.</p>`;
  const off = parts.installed?.featuresOf(install.name).filter(({ on }) => !on) ?? [];
  const without =
    off.length > 0 &&
    html`<p>Switched off:</p>
<ul>${off.map(({ feature, why }) => html`<li>${feature} (${why})</li>`)}</ul>`;
  return page(
    `${label} is connected`,
    html`<p><strong>${body.account.name}</strong> (account ${body.account.id}) is the installation <code>${install.name}</code>.</p>
${without || ""}
${waiting}
<table><tbody>${hooks.map(({ label: provider, url }) => html`<tr><th>${provider}</th><td><code>${url}</code></td></tr>`)}</tbody></table>`,
  );
}

function page(title: string, content: Html): Html {
  return pageWith(title, { main: html`<section>${content}</section>` });
}
