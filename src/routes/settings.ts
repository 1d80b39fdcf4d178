import { z } from "zod";
import { messageOf, Rejected } from "../core/errors.ts";
import { gapsOf } from "../flow/contacts/unknown-agents.ts";
import type { InstallBody } from "../installations/installer.ts";
import type { Parts } from "../server/assemble.ts";
import { readJsonText } from "./body.ts";
import { noQuery } from "./query.ts";
import { adminRoute, pathParameter, type Route } from "./route.ts";

/** `version`: of the settings that were read, so that nobody overwrites what somebody else has just changed. */
const change = z.strictObject({
  version: z.int().min(1),
  by: z.string().trim().min(1).max(100).default("an administrator"),
  settings: z.record(z.string(), z.unknown()),
});

/** The settings of installations that were made by OAuth, as a config file would have them; those of the file stay in the file. */
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
    adminRoute("get", path, noQuery, async (request, response) => {
      response.set("cache-control", "no-store").json(await read(pathParameter(request, "name")));
    }),
    adminRoute("put", path, noQuery, async (request, response) => {
      const name = pathParameter(request, "name");
      await parts.reset(name, readChange(await readJsonText(request, "settings", parts.room)));
      response.json(await read(name));
    }),
    adminRoute("delete", "/api/installations/:name", noQuery, async (request, response) => {
      const name = pathParameter(request, "name");
      await parts.disconnect(name);
      const left = (await parts.flow.store.installs()).find((install) => install.name === name);
      const exportUntil = left && parts.erasing.plannedAt(left);
      response.json({ disconnected: name, export: `/api/installations/${name}/export`, exportUntil });
    }),
  ];
}

function readChange(text: string): z.output<typeof change> {
  try {
    return change.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new Rejected(400, `send {"version": …, "settings": {…}} as GET gives them: ${why}`, { cause });
  }
}
