import { chmodSync, closeSync, lstatSync, mkdirSync, openSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";

/** Rights of the group and of everybody else. */
const others = 0o077;
/** Anybody may make files in such a folder, as in /tmp: it is not ours to close. */
const sticky = 0o1000;
/** Folders in the data folder whose files are ours, too. */
const ownFolders = ["mappings", "spool"];
// Windows has no such rights: what others may do there is inherited from the folder above.
const hasRights = process.platform !== "win32";

/** What was open to other users and is closed now, and what could not be closed: paths. */
export type Tightened = { closed: string[]; open: string[] };

/** Makes the folder of a file, and the file, for this user alone; what is there already is tightened where it can be. */
export function makePrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    // Never opens a file that is there: closing it would let go of the locks that SQLite has on it.
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (!isCode(error, "EEXIST")) throw error;
    tighten(file);
  }
}

/** Closes a data folder and what is in it, and more files, to other users. Throws when it is no folder. */
export function tightenFolder(folder: string, files: readonly string[] = []): Tightened {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const own = ownFolders.map((name) => join(folder, name)).filter((path) => isFolder(path));
  const inside = [folder, ...own].flatMap((path) => readdirSync(path).map((name) => join(path, name)));
  const all = [...new Set([folder, ...inside, ...files])];
  const found = all.map((path) => [path, tighten(path)] as const);
  const those = (state: ReturnType<typeof tighten>) =>
    found.flatMap(([path, one]) => (one === state ? [path] : []));
  return { closed: those("closed"), open: those("open") };
}

/** `private`: it was for its user alone. A link is left alone, whatever it leads to. */
function tighten(path: string): "private" | "closed" | "open" {
  if (!hasRights) return "private";
  const linked = lstatSync(path, { throwIfNoEntry: false });
  const found = linked?.isSymbolicLink() ? undefined : linked;
  if (!found || !(found.isFile() || found.isDirectory()) || (found.mode & others) === 0) return "private";
  if ((found.mode & sticky) !== 0) return "open";
  try {
    chmodSync(path, found.mode & 0o700);
    return "closed";
  } catch {
    // Only its owner may do it. A read-only disk says so at the first write.
    return "open";
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
