import { type FileHandle, open, rm } from "node:fs/promises";
import { messageOf } from "../core/errors.ts";
import { type ExportLine, exportOf, findExported } from "../flow/explain/export.ts";
import { mustHaveStore } from "./data-folder.ts";
import { Failure, type GlobalOptions, print, printJson, progressLine } from "./output.ts";
import { readConfig } from "./read-config.ts";
import { unknownInstallation, withParts } from "./with-parts.ts";

export type ExportOptions = GlobalOptions & { file: string };

type Word = Exclude<ExportLine["type"], "installation" | "end">;
const words: Record<Word, string> = {
  owner: "owners",
  contact: "contacts",
  call: "calls",
  answer: "answers",
  delivery: "deliveries",
};

/** Characters per write. */
const writtenAtOnce = 1_000_000;

/** Writes everything stored of an installation into a new file, one JSON object per line. */
export async function exportInstallation(name: string, options: ExportOptions): Promise<void> {
  mustHaveStore(readConfig(options).config);
  await withParts(options, async ({ flow, installations, erasing }) => {
    const exported = await findExported(flow.store, installations, name, erasing.savedMapping(name));
    if (!exported) {
      const stored = (await flow.store.installs()).filter(({ state }) => state !== "erasing");
      const known = new Set([...installations.keys(), ...stored.map((install) => install.name)]);
      throw new Failure(unknownInstallation(name, [...known]));
    }
    const counts = await writeLines(options.file, exportOf(flow.store, exported));
    const { file } = options;
    if (options.json) return printJson({ installation: name, file, counts });
    const totals = Object.entries(words).map(([type, word]) => `${word} ${counts[type as Word] ?? 0}`);
    print(`${file}: ${totals.join(", ")}.`);
  });
}

type LineCounts = Partial<Record<ExportLine["type"], number>>;

/** Writes the whole file or none. Throws `Failure`. */
async function writeLines(path: string, all: AsyncIterable<ExportLine>): Promise<LineCounts> {
  const file = await openNew(path);
  const progress = progressLine();
  const counts: LineCounts = {};
  let text = "";
  let lines = 0;
  try {
    for await (const line of all) {
      counts[line.type] = (counts[line.type] ?? 0) + 1;
      text += `${JSON.stringify(line)}\n`;
      lines += 1;
      if (text.length < writtenAtOnce) continue;
      await file.writeFile(text);
      text = "";
      progress.show(`${lines} lines ...`);
    }
    await file.writeFile(text);
    await file.sync();
    return counts;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    progress.done();
    await file.close();
  }
}

/** Only its owner can read the file. */
async function openNew(path: string): Promise<FileHandle> {
  return open(path, "wx", 0o600).catch((cause: unknown) => {
    const isThere = cause instanceof Error && "code" in cause && cause.code === "EEXIST";
    const why = isThere ? "is there already" : `cannot be written (${messageOf(cause)})`;
    throw new Failure(`${path} ${why}. Name another file with --file.`, { cause });
  });
}
