import { readFileSync, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import { ConfigError, messageOf } from "../core/errors.ts";
import { type Mapping, parseMapping } from "./compile.ts";
import { largestFile, tooLarge } from "./schema.ts";

/** A mapping file in use. `current` needs no `this`. `text`: the source of `current`. */
export type MappingFile = { current(): Mapping; text(): string; close(): void };

type Listeners = { onChange(mapping: Mapping): void; onFault(error: ConfigError): void };

/** Editors write in several steps: empty, fill, rename. */
const settleMs = 100;

/** The mapping files of one configuration, each compiled once for all that use it. */
export type MappingFiles = {
  /** Compiles a file's text, unless it is in use in this form. Throws `ConfigError`. */
  compile(text: string, path: string): Mapping;
  /** Throws `ConfigError`, also when the file cannot be read. */
  read(path: string): Mapping;
  /**
   * Reads a mapping, and again whenever it changes. A faulty new version goes to `onFault` and the previous one stays in
   * use. Throws `ConfigError` when the first version is faulty; with `resume`, only when no version was ever valid.
   */
  watch(path: string, listeners: Listeners, options?: { resume?: boolean }): MappingFile;
  /** Drops the newest valid text of a file that was deleted for good. */
  forget(path: string): void;
};

export function createMappingFiles(): MappingFiles {
  /** The newest valid text of each file. The compiled form is dropped after the last who uses it. */
  const valid = new Map<string, { text: string; mapping: WeakRef<Mapping> }>();

  const compile: MappingFiles["compile"] = (text, path) => {
    const known = valid.get(path);
    const same = known?.text === text ? known.mapping.deref() : undefined;
    if (same) return same;
    const mapping = parseMapping(text, path);
    valid.set(path, { text, mapping: new WeakRef(mapping) });
    return mapping;
  };

  const readVersion = (path: string): Version => {
    const text = readText(path);
    return { text, mapping: compile(text, path) };
  };

  /** The newest valid version in place of a faulty one. */
  const resumed = (path: string, onFault: Listeners["onFault"]): Version => {
    try {
      return readVersion(path);
    } catch (error) {
      const before = valid.get(path);
      if (!(error instanceof ConfigError) || !before) throw error;
      onFault(error);
      return { text: before.text, mapping: compile(before.text, path) };
    }
  };

  return {
    compile,
    read: (path) => readVersion(path).mapping,
    watch: (path, listeners, { resume = false } = {}) =>
      watchFile(path, resume ? resumed(path, listeners.onFault) : readVersion(path), {
        ...listeners,
        compile,
      }),
    forget: (path) => void valid.delete(path),
  };
}

type Version = { text: string; mapping: Mapping };

function watchFile(
  path: string,
  first: Version,
  { onChange, onFault, compile }: Listeners & Pick<MappingFiles, "compile">,
): MappingFile {
  let { text, mapping } = first;
  let textInUse = text;
  let timer: NodeJS.Timeout | undefined;
  let lastFault = "";

  const reload = () => {
    try {
      const fresh = readText(path);
      lastFault = "";
      if (fresh === text) return;
      text = fresh;
      mapping = compile(fresh, path);
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
