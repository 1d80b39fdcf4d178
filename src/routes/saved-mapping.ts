import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Request } from "express";
import { z } from "zod";
import { messageOf, Rejected } from "../core/errors.ts";
import type { Installation } from "../flow/installation.ts";
import { createTurns } from "../lib/pace.ts";
import type { Parts } from "../server/assemble.ts";
import type { MappingInUse } from "../server/connect.ts";
import { findInstallation } from "./installations.ts";
import { json, pathParameter, shortText, text } from "./route.ts";

export const mappingRoute = "/api/installations/:name/mapping";

const conflict = z
  .object({
    error: text,
    text: text.optional().meta({ description: "The mapping that was saved meanwhile." }),
    version: text.optional(),
  })
  .meta({ id: "MappingConflict" });

export type MappingConflict = z.infer<typeof conflict>;

export const conflictReply = json(
  "Another one was saved meanwhile, or each instance has its file.",
  conflict,
);
export const meanwhile =
  "the mapping was changed meanwhile: compare your text with `text`, then save with its `version`";

export const versionQuery = z.strictObject({
  version: shortText("give the `version` of the mapping that this one was made from").optional().meta({
    description: "Refused with 409 when another one was saved since. The header `If-Match` does the same.",
  }),
  comment: shortText("give one line of at most 200 characters").optional().meta({
    description: "What this version is about.",
  }),
});

/** The mapping of the installation that the path of a request names. */
export type OwnMapping = { installation: Installation; file: MappingInUse };

type Save = {
  text: string;
  who: string;
  comment?: string;
  /** The version that it was made from; any is replaced when it is absent. */
  expected?: string;
};

/** `saved`: false when another text was saved meanwhile, which is then `text`. */
type Saved = { saved: boolean; text: string; version: string };

export function mappingOf(parts: Parts, request: Request): OwnMapping {
  const installation = findInstallation(parts, pathParameter(request, "name"));
  const file: MappingInUse | undefined = parts.mappings.get(installation.settings.name);
  if (!file) throw new Error(`no mapping is in use for ${installation.settings.name}`);
  return { installation, file };
}

/** Tells two texts of a mapping apart. */
export function versionOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** The version that a text was made from, of the query or of `If-Match`, which may stand in quotes. */
export function expectedIn(
  request: Request,
  { version }: { version?: string | undefined },
): string | undefined {
  const header = request.get("if-match")?.trim();
  if (version !== undefined || header === undefined || header === "*") return version;
  return header.replace(/^(?:W\/)?"(.*)"$/, "$1");
}

/** What the audit log has of a text. */
export function digestOf(text: string): { sha256: string; characters: number } {
  return { sha256: versionOf(text), characters: text.length };
}

export function previewed(parts: Parts, { installation, file }: OwnMapping, text: string) {
  const inUse = { text: file.text(), file: file.path() };
  const next = { text, file: basename(file.savedPath) };
  return (options: Parameters<Parts["previews"]["of"]>[3]) =>
    parts.previews.of(installation, inUse, next, options);
}

/** Saves mappings one after another, and every one as a version. */
export function createMappingSaves({ flow }: Parts) {
  const { store, now } = flow;
  const turns = createTurns();

  /** What is in the file, or what another instance has saved just now. */
  const present = async ({ installation, file }: OwnMapping): Promise<string> => {
    const shared = file.isSavedByApi && (await store.shared?.mapping(installation.settings.name));
    return shared || readFile(file.path(), "utf8");
  };

  const attempt = async (own: OwnMapping, save: Save): Promise<Saved | undefined> => {
    const { text, who, comment, expected } = save;
    const { installation, file } = own;
    const { name } = installation.settings;
    const before = await present(own);
    if (expected !== undefined && versionOf(before) !== expected)
      return { saved: false, text: before, version: versionOf(before) };
    const last = await store.mappingVersion(name);
    const at = now();
    const versions = [
      // The built-in one, or what was changed in the file by hand.
      ...(last?.text === before ? [] : [{ at, text: before }]),
      ...(before === text ? [] : [{ at, text, who, ...(comment !== undefined && { comment }) }]),
    ];
    const isShared = store.shared !== undefined;
    const add = () => store.addMappingVersions(name, last?.number ?? 0, { versions, isShared });
    if (isShared && !(await add())) return undefined;
    await writeFile(file.savedPath, text);
    file.reopen();
    if (!isShared) await add();
    return { saved: true, text, version: versionOf(text) };
  };

  return {
    present,
    /** The mapping has been checked. Throws `Rejected`. */
    save: (own: OwnMapping, save: Save): Promise<Saved> =>
      turns(async () => {
        const { path, isSavedByApi } = own.file;
        if (store.shared && !isSavedByApi)
          throw new Rejected(
            409,
            `this mapping is the file ${path()} of the configuration, which each instance has: change it there, at all of them`,
          );
        for (let tries = 0; tries < mostTries; tries += 1) {
          const saved = await attempt(own, save);
          if (saved) return saved;
        }
        throw new Rejected(503, "other instances save this mapping at the same time: try again");
      }),
  };
}

const mostTries = 5;

/** Atomic, also across a power failure: written to a temporary file and renamed. */
async function writeFile(path: string, text: string): Promise<void> {
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
