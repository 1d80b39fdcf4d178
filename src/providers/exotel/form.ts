import type { JsonObject } from "../../lib/body.ts";

type Tree = { [name: string]: string | Tree };

const maxFields = 500;
/** Longer than any value that is read, however it is encoded; a multipart field is cut there too. */
export const maxFieldLength = 65_536;
const maxNameLength = 200;
const maxDepth = 5;
const bracketed = /^([^[\]]+)((?:\[[^[\]]+\])*)$/;

/**
 * The fields of a urlencoded form, in order and as they are asked for. `URLSearchParams` gets one field at a time: it takes
 * seconds for a million names without a value (Node 24).
 */
export function* formFields(form: string): Generator<[string, string]> {
  for (let from = 0, to = 0; from < form.length; from = to + 1) {
    to = form.indexOf("&", from);
    if (to < 0) to = form.length;
    // A question mark at the very beginning would be left out.
    if (to > from) yield* new URLSearchParams(`&${form.slice(from, Math.min(to, from + maxFieldLength))}`);
  }
}

/**
 * Nests the flat names of a form: `Legs[1][Status]` becomes `{Legs: {1: {Status}}}`. An index is a name, so a gap stays
 * a gap (qs would move leg 1 to place 0). Names that are too deep, too long or not well-formed are left out,
 * and so is all that follows the first 500 fields.
 */
export function nest(fields: Iterable<readonly [string, string]>): JsonObject {
  const root = emptyTree();
  let count = 0;
  for (const [name, value] of fields) {
    count += 1;
    if (count > maxFields) break;
    const path = pathOf(name);
    if (path) put(root, path, value);
  }
  return root;
}

function pathOf(name: string): string[] | undefined {
  if (name.length > maxNameLength) return undefined;
  const [, first, brackets = ""] = bracketed.exec(name) ?? [];
  if (!first) return undefined;
  const path = [first, ...[...brackets.matchAll(/\[([^[\]]+)\]/g)].map(([, inner = ""]) => inner)];
  return path.length <= maxDepth ? path : undefined;
}

/** A name that is already a branch stays one. */
function put(root: Tree, path: readonly string[], value: string): void {
  let tree = root;
  for (const name of path.slice(0, -1)) {
    const known = tree[name];
    const branch = typeof known === "object" ? known : emptyTree();
    tree[name] = branch;
    tree = branch;
  }
  const last = path.at(-1) ?? "";
  if (typeof tree[last] !== "object") tree[last] = value;
}

/** Without a prototype, `__proto__` and `constructor` are names like any other. */
function emptyTree(): Tree {
  return Object.create(null);
}
