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

/** Throws `ConfigError`, also when the file cannot be read. */
export function readMapping(path: string): Mapping {
  return parseMapping(readText(path), path);
}

/**
 * Reads a mapping, and again whenever it changes. A faulty new version goes to `onFault` and the previous one stays in
 * use. Throws `ConfigError` when the first version is faulty.
 */
export function watchMapping(path: string, { onChange, onFault }: Listeners): MappingFile {
  let text = readText(path);
  let mapping = parseMapping(text, path);
  let textInUse = text;
  let timer: NodeJS.Timeout | undefined;
  let lastFault = "";

  const reload = () => {
    try {
      const fresh = readText(path);
      lastFault = "";
      if (fresh === text) return;
      text = fresh;
      mapping = parseMapping(fresh, path);
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
