import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import { hasRight, includesRole, type Principal, sees } from "../core/principal.ts";
import type { Parts } from "../server/assemble.ts";
import { readForm, readJsonAs } from "./body.ts";
import { enter } from "./enter.ts";
import { refuseOtherHosts, refuseOtherSites } from "./guard.ts";
import { sendLoginPage } from "./login.ts";
import { linkPage, wordsFor } from "./login-page.ts";
import { adminRoute, json, noInstallation, type Route, text, time } from "./route.ts";
import { noSuchInstallation, noteChange } from "./rules.ts";

const wanted = z
  .strictObject({
    installation: z.string().max(40),
    role: z.enum(["admin", "viewer"]),
    listen: z.boolean().default(false),
    name: z
      .string()
      .trim()
      .min(1)
      .max(100)
      .meta({ description: "Who gets the link, for the list of sessions and the audit." }),
  })
  .meta({ id: "LinkRequest" });

const linkShape = { schema: wanted, what: "link", example: '{"installation": …, "role": …, "name": …}' };

const made = z.object({ url: text, expiresAt: time }).meta({ id: "Link" });

/** One-time links that sign a person in for one installation. */
export function linkRoutes(parts: Parts): Route[] {
  const { access, config, installations } = parts;
  return [
    adminRoute({
      method: "post",
      path: "/api/links",
      needs: "admin",
      summary: "Makes a link that signs a person in once, within 60 seconds, for one installation.",
      body: wanted,
      replies: {
        201: json("The link. It is a secret until it was used.", made),
        400: "The body is wrong: how.",
        ...noInstallation,
        413: "Larger than 1 MB.",
        415: "Not JSON, or compressed.",
      },
      handle: async (request, response, _, principal) => {
        const given = await readJsonAs(request, parts.room, linkShape);
        const { installation, role, listen } = given;
        if (!installations.has(installation) || !sees(principal, installation))
          throw noSuchInstallation(installation);
        noteChange(response, { installation, after: { role, listen, name: given.name } });
        refuseMoreRights(principal, given);
        const { token, expiresAt } = await access.links.make(given);
        const url = `${config.publicUrl}/login/link?${new URLSearchParams({ token })}`;
        response.status(201).json({ url, expiresAt: new Date(expiresAt).toISOString() });
      },
    }),
    {
      method: "get",
      path: "/login/link",
      guard: "open",
      handle: async (request, response) => {
        const token = String(request.query["token"] ?? "");
        const link = await access.links.look(token);
        const words = wordsFor(request);
        response.set({ "cache-control": "no-store", "referrer-policy": "same-origin" });
        if (link) {
          const sentence = words.say("linkText", link.name, link.installation);
          response.type("html").send(linkPage(words, { token, text: sentence }).html);
          return;
        }
        response.status(410);
        sendLoginPage(
          parts,
          { request, response },
          { next: "/", notice: words.say("badLink"), isError: true },
        );
      },
    },
    {
      method: "post",
      path: "/login/link",
      guard: "open",
      handle: async (request, response) => {
        refuseOtherSites(request, config.publicUrl);
        refuseOtherHosts(request, config.publicUrl);
        const token = (await readForm(request, parts.room)).get("token") ?? "";
        const link = await access.links.take(token);
        if (link) return enter(parts, { ...link, signedInBy: "link" }, { request, response, next: "/" });
        const notice = wordsFor(request).say("badLink");
        response.status(410);
        sendLoginPage(parts, { request, response }, { next: "/", notice, isError: true });
      },
    },
  ];
}

/** The rights of a link are at most those of who makes it. */
function refuseMoreRights(principal: Principal, { role, listen }: z.output<typeof wanted>): void {
  if (includesRole(principal.role, role) && (!listen || hasRight(principal, "listen"))) return;
  throw new Rejected(
    403,
    "a link cannot give more rights than you have: leave `listen` out, or ask an operator",
  );
}
