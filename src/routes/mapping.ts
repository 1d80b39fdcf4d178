import { readFile } from "node:fs/promises";
import { z } from "zod";
import { createKnownFields } from "../flow/mappings/known-fields.ts";
import { isObject, type JsonObject } from "../lib/body.ts";
import type { Parts } from "../server/assemble.ts";
import { readJsonText } from "./body.ts";
import { mappingApplyRoutes } from "./mapping-apply.ts";
import { mappingVersionRoutes } from "./mapping-versions.ts";
import { mappingWordRoutes } from "./mapping-words.ts";
import {
  adminRoute,
  anyObject,
  badQuery,
  json,
  noInstallation,
  previewQuery,
  type Route,
  shortText,
  text,
} from "./route.ts";
import { noSuchCall, noteChange } from "./rules.ts";
import {
  conflictReply,
  createMappingSaves,
  digestOf,
  expectedIn,
  type MappingConflict,
  mappingOf,
  mappingRoute,
  meanwhile,
  type OwnMapping,
  previewed,
  versionOf,
  versionQuery,
} from "./saved-mapping.ts";

const version = text.meta({ description: "A digest of the text." });

const mappingReply = z
  .object({
    file: text,
    builtIn: z.boolean(),
    version,
    canSave: z
      .boolean()
      .meta({ description: "No, when the file has to be changed at each of several instances." }),
    mapping: anyObject.optional(),
    text,
  })
  .meta({ id: "Mapping" });

const shown = z
  .unknown()
  .optional()
  .meta({ description: "The first 2,000 characters, with … at their end when there are more." });

const cut = z.literal(true).optional().meta({ description: "Only the beginning is shown." });

const change = z.object({
  field: text,
  before: shown,
  after: shown,
  cut,
  write: z.enum(["always", "if-empty", "once"]),
});

const fault = z.object({ at: text, problem: text, cure: text.optional() });

/** `limited`: fields whose text reached a limit. */
const changedCall = z.object({
  key: text,
  activityId: text.optional(),
  changes: z.array(change),
  unchanged: z
    .array(z.object({ field: text, value: shown, cut }))
    .optional()
    .meta({ description: "The fields that stay as they are; with unchanged=1." }),
  limited: z.array(z.object({ field: text, why: text })).optional(),
});

const mappingChange = z
  .object({
    saved: z.boolean(),
    file: text,
    version: version.optional().meta({ description: "Of the text that is saved now; absent for a preview." }),
    calls: z.array(changedCall),
    stopped: text.optional().meta({ description: "Why fewer than the latest 20 calls are shown." }),
    warnings: z
      .array(fault)
      .optional()
      .meta({ description: "What the CRM does not take, when its fields are known." }),
  })
  .meta({ id: "MappingChange" });

export type MappingReply = z.infer<typeof mappingReply>;
export type MappingChange = z.infer<typeof mappingChange>;

const putQuery = previewQuery.extend({
  ...versionQuery.shape,
  call: shortText("give the key of one call").optional().meta({
    description: "Previews this call in place of the latest ones.",
  }),
  unchanged: z
    .literal("1", { error: "give 1 to see the fields that stay as they are, or leave it out" })
    .optional()
    .meta({ description: "1: shows the fields that stay as they are as well." }),
});

type PutQuery = z.output<typeof putQuery>;

type MappingTools = {
  saves: ReturnType<typeof createMappingSaves>;
  fields: ReturnType<typeof createKnownFields>;
};

/** All about the mapping of an installation. */
export function mappingRoutes(parts: Parts): Route[] {
  const fields = createKnownFields(parts.flow.now);
  const saves = createMappingSaves(parts);
  return [
    ...mappingTextRoutes(parts, { saves, fields }),
    ...mappingVersionRoutes(parts, saves),
    ...mappingWordRoutes(parts, fields),
    ...mappingApplyRoutes(parts),
  ];
}

/** Read, preview and save it. */
function mappingTextRoutes(parts: Parts, { saves, fields }: MappingTools): Route[] {
  const optionsOf = async ({ installation }: OwnMapping, { call: key, unchanged }: PutQuery) => {
    const known = fields.last(installation);
    const call = key === undefined ? undefined : (await parts.flow.store.call(key))?.row;
    if (key !== undefined && call?.call.installation !== installation.settings.name) throw noSuchCall(key);
    return { unchanged: unchanged === "1", ...(known && { fields: known }), ...(call && { call }) };
  };

  return [
    adminRoute({
      method: "get",
      path: mappingRoute,
      needs: "view",
      summary: "The mapping in use.",
      replies: { 200: json("The mapping.", mappingReply), ...noInstallation },
      handle: async (request, response) => {
        const { file } = mappingOf(parts, request);
        const text = await readFile(file.path(), "utf8");
        response.json({
          file: file.path(),
          builtIn: file.builtIn(),
          version: versionOf(text),
          canSave: file.isSavedByApi || parts.flow.store.shared === undefined,
          ...parsed(text),
          text,
        } satisfies MappingReply);
      },
    }),

    adminRoute({
      method: "put",
      path: mappingRoute,
      needs: "admin",
      isReading: ({ query }) => query["preview"] === "1",
      summary: "Saves another mapping and uses it from then on; with preview=1 only shows what would change.",
      query: putQuery,
      body: anyObject,
      replies: {
        200: json("Saved, or previewed.", mappingChange),
        ...badQuery,
        ...noInstallation,
        409: conflictReply,
        413: "Larger than 1 MB.",
        415: "Not JSON, or compressed.",
        422: "The mapping is wrong: all faults with their places and cures.",
        503: "Other previews are running, or this one ran into a limit: try again.",
        507: "The file could not be written.",
      },
      handle: async (request, response, query, principal) => {
        const own = mappingOf(parts, request);
        const text = await readJsonText(request, "mapping", parts.room);
        const shown = await previewed(parts, own, text)(await optionsOf(own, query));
        let saved: { version?: string } = {};
        if (query.preview === undefined) {
          const { comment } = query;
          const expected = expectedIn(request, query);
          const before = digestOf(own.file.text());
          const done = await saves.save(own, {
            text: text.endsWith("\n") ? text : `${text}\n`,
            who: principal.name,
            ...(comment !== undefined && { comment }),
            ...(expected !== undefined && { expected }),
          });
          if (!done.saved)
            return response
              .status(409)
              .json({ error: meanwhile, text: done.text, version: done.version } satisfies MappingConflict);
          noteChange(response, { before, after: digestOf(done.text) });
          saved = { version: done.version };
        }
        const head = JSON.stringify({
          saved: query.preview === undefined,
          file: own.file.savedPath,
          ...saved,
        });
        // The preview is JSON already: parsing and serializing a large one would delay incoming calls.
        response.type("json").send(`${head.slice(0, -1)},${shown.slice(1)}`);
      },
    }),
  ];
}

/** `mapping` is absent when the file has just become invalid: `text` shows how. */
function parsed(text: string): { mapping?: JsonObject } {
  try {
    const mapping: unknown = JSON.parse(text);
    return isObject(mapping) ? { mapping } : {};
  } catch {
    return {};
  }
}
