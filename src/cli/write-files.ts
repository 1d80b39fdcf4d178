import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf } from "../core/errors.ts";
import { Failure } from "./output.ts";

type FileState = "new" | "changed" | "same";
export type ComparedFile = { path: string; text: string; state: FileState };

/** Each file with what the folder has under its path. Other files there are ignored. Throws `Failure`. */
export function compare(folder: string, files: ReadonlyMap<string, string>): Promise<ComparedFile[]> {
  return Promise.all(
    [...files].map(async ([path, text]) => {
      const before = await readFile(join(folder, path), "utf8").catch(missing);
      const state = before === undefined ? "new" : before === text ? "same" : "changed";
      return { path, text, state };
    }),
  );
}

/** Throws `Failure` when the folder cannot be written to. */
export async function writeFiles(folder: string, files: readonly ComparedFile[]): Promise<void> {
  for (const { path, text } of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true })
      .then(() => writeFile(target, text))
      .catch((cause: unknown) => {
        throw new Failure(
          `${target} cannot be written (${messageOf(cause)}). Make it writable, or use --out.`,
          {
            cause,
          },
        );
      });
  }
}

function missing(cause: unknown): undefined {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR") return undefined;
  throw new Failure(`A file of the project cannot be read: ${messageOf(cause)}.`, { cause });
}
