import { z } from "zod";
import { differenceOf } from "../access/audit.ts";
import { Rejected } from "../core/errors.ts";
import { gapsOf } from "../flow/contacts/unknown-agents.ts";
import type { InstallBody } from "../installations/installer.ts";
import type { Parts } from "../server/assemble.ts";
import { readJsonAs } from "./body.ts";
import { adminRoute, anyObject, json, noInstallation, pathParameter, type Route } from "./route.ts";
import { noteChange } from "./rules.ts";

/** `version`: of the settings that were read, so that concurrent changes are not overwritten. `by`: who makes it, if not the principal. */
const change = z.strictObject({
  version: z.int().min(1),
  by: z.string().trim().min(1).max(100).optional(),
  settings: anyObject,
});

const changeShape = {
  schema: change,
  what: "settings",
  example: '{"version": …, "settings": {…}}, as GET gives them',
};

/** The settings of installations made by OAuth, in the format of the config file; those in the file are changed there. */
export function settingsRoutes(parts: Parts): Route[] {
  const path = "/api/installations/:name/settings";
  const read = async (name: string) => {
    const install = parts.installed?.stateOf(name);
    if (!install)
      throw new Rejected(
        404,
        `the installation ${JSON.stringify(name.slice(0, 40))} was not connected by OAuth, or there is none`,
      );
    const { account, settings, changes } = JSON.parse(install.body) as InstallBody;
    const { state, reason, version, crm } = install;
    const running = parts.installations.get(name);
    const gaps = running && (await gapsOf(parts.flow, running));
    const features = parts.installed?.featuresOf(name);
    const about = { crm, account, state, ...(reason !== undefined && { reason }), features };
    return { ...about, version, changes, settings, gaps };
  };
  return [
    adminRoute({
      method: "get",
      path,
      needs: "admin",
      summary:
        "The settings of an installation that was made by OAuth, with its state. Includes the webhook secrets.",
      replies: { 200: json("The settings.", anyObject), ...noInstallation },
      handle: async (request, response) => {
        response.set("cache-control", "no-store").json(await read(pathParameter(request, "name")));
      },
    }),
    adminRoute({
      method: "put",
      path,
      needs: "admin",
      summary: "Replaces the settings, in use from then on: {version, settings} as GET returns them.",
      body: change,
      replies: {
        200: json("The settings as they are now.", anyObject),
        400: "Not what GET returns.",
        ...noInstallation,
        409: "They were changed since they were read.",
        413: "Larger than 1 MB.",
        415: "Not JSON, or compressed.",
        422: "The settings are wrong: all faults with their places and cures.",
      },
      handle: async (request, response, _, principal) => {
        const name = pathParameter(request, "name");
        const { by = principal.name, ...given } = await readJsonAs(request, parts.room, changeShape);
        const before = parts.installed?.stateOf(name);
        await parts.accounts.changeSettings(name, { ...given, by });
        const { settings } = JSON.parse(before?.body ?? "{}") as Partial<InstallBody>;
        noteChange(response, differenceOf(settings, given.settings));
        response.json(await read(name));
      },
    }),
  ];
}
