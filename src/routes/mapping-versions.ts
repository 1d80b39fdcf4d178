import type { Request } from "express";
import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import type { Parts } from "../server/assemble.ts";
import {
  adminRoute,
  badQuery,
  json,
  noInstallation,
  pathParameter,
  type Route,
  text,
  time,
} from "./route.ts";
import { noteChange } from "./rules.ts";
import {
  conflictReply,
  type createMappingSaves,
  digestOf,
  expectedIn,
  type MappingConflict,
  mappingOf,
  mappingRoute,
  meanwhile,
  previewed,
  versionQuery,
} from "./saved-mapping.ts";

const listed = z.object({
  number: z.int(),
  at: time.meta({ description: "When it was saved, or first seen." }),
  who: text.optional().meta({ description: "Absent for a text that was not saved through the API." }),
  comment: text.optional(),
  characters: z.int(),
});

const list = z.object({ items: z.array(listed) }).meta({ id: "MappingVersions" });
const one = listed.extend({ text }).meta({ id: "MappingVersion" });
const restored = z.object({ number: z.int(), version: text }).meta({ id: "MappingRestored" });

export type MappingVersions = z.infer<typeof list>;
export type MappingVersionReply = z.infer<typeof one>;
export type MappingRestored = z.infer<typeof restored>;

const noVersion = { 404: "There is no such installation, or no such version." };

/** The mappings that an installation had. */
export function mappingVersionRoutes(parts: Parts, saves: ReturnType<typeof createMappingSaves>): Route[] {
  const { store } = parts.flow;
  const path = `${mappingRoute}/versions`;

  const find = async (request: Request) => {
    const { name } = mappingOf(parts, request).installation.settings;
    const number = pathParameter(request, "number");
    const found = /^\d{1,9}$/.test(number) ? await store.mappingVersion(name, Number(number)) : undefined;
    if (found) return found;
    throw new Rejected(
      404,
      `there is no such version: GET /api/installations/${name}/mapping/versions lists them`,
    );
  };

  return [
    adminRoute({
      method: "get",
      path,
      needs: "view",
      summary: "The last 50 mappings that were saved, the latest first.",
      replies: { 200: json("Without their texts.", list), ...noInstallation },
      handle: async (request, response) => {
        const { name } = mappingOf(parts, request).installation.settings;
        const items = (await store.mappingVersions(name)).map(({ at, ...rest }) => ({
          ...rest,
          at: new Date(at).toISOString(),
        }));
        response.json({ items } satisfies MappingVersions);
      },
    }),

    adminRoute({
      method: "get",
      path: `${path}/:number`,
      needs: "view",
      summary: "One of the mappings that were saved.",
      replies: { 200: json("With its text.", one), ...noVersion },
      handle: async (request, response) => {
        const { at, ...rest } = await find(request);
        const characters = rest.text.length;
        response.json({
          ...rest,
          characters,
          at: new Date(at).toISOString(),
        } satisfies MappingVersionReply);
      },
    }),

    adminRoute({
      method: "post",
      path: `${path}/:number/restore`,
      needs: "admin",
      summary: "Saves one of these mappings again, byte for byte, and uses it from then on.",
      query: versionQuery,
      replies: {
        200: json("It is in use.", restored),
        ...badQuery,
        ...noVersion,
        409: conflictReply,
        422: "It is wrong by now: all faults with their places and cures.",
        507: "The file could not be written.",
      },
      handle: async (request, response, query, principal) => {
        const own = mappingOf(parts, request);
        const { number, text } = await find(request);
        // A later version of Switchhook may refuse what an earlier one took.
        await previewed(parts, own, text)({});
        const expected = expectedIn(request, query);
        const before = digestOf(own.file.text());
        const done = await saves.save(own, {
          text,
          who: principal.name,
          comment: query.comment ?? `version ${number}`,
          ...(expected !== undefined && { expected }),
        });
        if (!done.saved)
          return response
            .status(409)
            .json({ error: meanwhile, text: done.text, version: done.version } satisfies MappingConflict);
        noteChange(response, { before, after: digestOf(text) });
        response.json({ number, version: done.version } satisfies MappingRestored);
      },
    }),
  ];
}
