import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Request } from "express";
import { z } from "zod";
import { messageOf, Rejected } from "../core/errors.ts";
import { isObject, type JsonObject } from "../lib/body.ts";
import type { Parts } from "../server/assemble.ts";
import type { MappingInUse } from "../server/connect.ts";
import { readJsonText } from "./body.ts";
import { findInstallation } from "./installations.ts";
import {
  adminRoute,
  anyObject,
  badQuery,
  json,
  noInstallation,
  pathParameter,
  previewQuery,
  type Route,
  text,
} from "./route.ts";
import { noteChange } from "./rules.ts";

const mappingRoute = "/api/installations/:name/mapping";

const mappingReply = z
  .object({ file: text, builtIn: z.boolean(), mapping: anyObject.optional(), text })
  .meta({ id: "Mapping" });

const shown = z
  .unknown()
  .optional()
  .meta({ description: "The first 2,000 characters, with … at their end when there are more." });

const change = z.object({
  field: text,
  before: shown,
  after: shown,
  cut: z
    .literal(true)
    .optional()
    .meta({ description: "Only the beginning of `before`, `after` or both is shown." }),
  write: z.enum(["always", "if-empty", "once"]),
});

/** `limited`: fields whose text reached a limit. */
const changedCall = z.object({
  key: text,
  activityId: text.optional(),
  changes: z.array(change),
  limited: z.array(z.object({ field: text, why: text })).optional(),
});

const mappingChange = z
  .object({
    saved: z.boolean(),
    file: text,
    calls: z.array(changedCall),
    stopped: text.optional().meta({ description: "Why fewer than the latest 20 calls are shown." }),
  })
  .meta({ id: "MappingChange" });

/** The mapping of an installation: read, preview and save it. */
export function mappingRoutes(parts: Parts): Route[] {
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
        response.json({ file: file.path(), builtIn: file.builtIn(), ...parsed(text), text });
      },
    }),

    adminRoute({
      method: "put",
      path: mappingRoute,
      needs: "admin",
      isReading: ({ query }) => query["preview"] === "1",
      summary: "Saves another mapping and uses it from then on; with preview=1 only shows what would change.",
      query: previewQuery,
      body: anyObject,
      replies: {
        200: json("Saved, or previewed.", mappingChange),
        ...badQuery,
        ...noInstallation,
        409: "It is a file of the configuration, and several instances share the store.",
        413: "Larger than 1 MB.",
        415: "Not JSON, or compressed.",
        422: "The mapping is wrong: all faults with their places and cures.",
        503: "Other previews are running, or this one ran into a limit: try again.",
        507: "The file could not be written.",
      },
      handle: async (request, response, { preview }) => {
        const { file, installation } = mappingOf(parts, request);
        const text = await readJsonText(request, "mapping", parts.room);
        const next = { text, file: basename(file.savedPath) };
        const inUse = { text: file.text(), file: file.path() };
        const shown = await parts.previews.of(installation, inUse, next);
        const { shared } = parts.flow.store;
        if (preview === undefined) {
          if (shared && !file.isSavedByApi)
            throw new Rejected(
              409,
              `this mapping is the file ${file.path()} of the configuration, which each instance has: change it there, at all of them`,
            );
          const whole = text.endsWith("\n") ? text : `${text}\n`;
          await shared?.saveMapping(installation.settings.name, whole);
          await save(file.savedPath, whole);
          file.reopen();
          noteChange(response, { before: digestOf(inUse.text), after: digestOf(whole) });
        }
        const saved = JSON.stringify({ saved: preview === undefined, file: file.savedPath });
        // The preview is JSON already: parsing and serializing a large one would delay incoming calls.
        response.type("json").send(`${saved.slice(0, -1)},${shown.slice(1)}`);
      },
    }),
  ];
}

function mappingOf(parts: Parts, request: Request) {
  const installation = findInstallation(parts, pathParameter(request, "name"));
  const file: MappingInUse | undefined = parts.mappings.get(installation.settings.name);
  if (!file) throw new Error(`no mapping is in use for ${installation.settings.name}`);
  return { installation, file };
}

/** Tells two versions of a mapping apart. */
function digestOf(text: string): { sha256: string; characters: number } {
  return {
    sha256: createHash("sha256").update(text).digest("hex").slice(0, 16),
    characters: text.length,
  };
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

/** Atomic, also across a power failure: written to a temporary file and renamed. */
async function save(path: string, text: string): Promise<void> {
  // Follows symbolic links and keeps the file's mode.
  const file = await realpath(path).catch(() => path);
  const mode = await stat(file).then(
    ({ mode }) => mode & 0o777,
    () => 0o600,
  );
  const draft = `${file}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(draft, "wx", mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => {});
    const cure = `check the space and the rights of ${dirname(file)}`;
    throw new Rejected(507, `the mapping was not saved (${messageOf(cause)}): ${cure}`, { cause });
  }
}
