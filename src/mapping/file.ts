import { readFileSync, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import { ConfigError, messageOf } from "../core/errors.ts";
import { type Mapping, parseMapping } from "./compile.ts";
import { largestFile, tooLarge } from "./size.ts";

/** A mapping file in use. `current` needs no `this`. `text`: the source of `current`. */
export type MappingFile = { current(): Mapping; text(): string; close(): void };

type Listeners = { onChange(mapping: Mapping): void; onFault(error: ConfigError): void };

/** Editors write in several steps: empty, fill, rename. */
const settleMs = 100;

/** The newest valid text of each file. Its compiled form is shared by all who use the file, and dropped after the last. */
const valid = new Map<string, { text: string; mapping: WeakRef<Mapping> }>();

/** Compiles a file's text, unless it is in use in this form. Throws `ConfigError`. */
export function compileOnce(text: string, path: string): Mapping {
  const known = valid.get(path);
  const same = known?.text === text ? known.mapping.deref() : undefined;
  if (same) return same;
  const mapping = parseMapping(text, path);
  valid.set(path, { text, mapping: new WeakRef(mapping) });
  return mapping;
}

/** Drops the newest valid text of a file that was deleted for good. */
export function forgetMapping(path: string): void {
  valid.delete(path);
}

/** Throws `ConfigError`, also when the file cannot be read. */
export function readMapping(path: string): Mapping {
  return compileOnce(readText(path), path);
}

/**
 * Reads a mapping, and again whenever it changes. A faulty new version goes to `onFault` and the previous one stays in
 * use. Throws `ConfigError` when the first version is faulty; with `resume`, only when no version was ever valid.
 */
export function watchMapping(
  path: string,
  { onChange, onFault }: Listeners,
  { resume = false } = {},
): MappingFile {
  let { text, mapping } = first(path, resume ? onFault : undefined);
  let textInUse = text;
  let timer: NodeJS.Timeout | undefined;
  let lastFault = "";

  const reload = () => {
    try {
      const fresh = readText(path);
      lastFault = "";
      if (fresh === text) return;
      text = fresh;
      mapping = compileOnce(fresh, path);
      textInUse = fresh;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (error.message !== lastFault) onFault(error);
      lastFault = error.message;
      return;
    }
    onChange(mapping);
  };
  const reloadSoon = () => {
    clearTimeout(timer);
    timer = setTimeout(reload, settleMs).unref();
  };

  // The folder, not the file: editors that rename replace the file, and Kubernetes replaces a link beside it.
  const watcher = watch(dirname(path), { persistent: false }, reloadSoon);
  watcher.on("error", (error) => onFault(notRead(path, error)));
  return {
    current: () => mapping,
    text: () => textInUse,
    close() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}

/** With `onFault`, the newest valid version takes the place of a faulty one. */
function first(path: string, onFault: Listeners["onFault"] | undefined): { text: string; mapping: Mapping } {
  try {
    const text = readText(path);
    return { text, mapping: compileOnce(text, path) };
  } catch (error) {
    const before = valid.get(path);
    if (!(error instanceof ConfigError) || !onFault || !before) throw error;
    onFault(error);
    return { text: before.text, mapping: compileOnce(before.text, path) };
  }
}

function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size <= largestFile) return readFileSync(path, "utf8");
  } catch (error) {
    throw notRead(path, error);
  }
  throw new ConfigError([tooLarge(path)]);
}

function notRead(path: string, cause: unknown): ConfigError {
  const problem = `cannot be read: ${messageOf(cause)}.`;
  return new ConfigError([{ at: path, problem, cure: "Check the path and who may read it." }]);
}
