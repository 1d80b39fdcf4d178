import { builtinModules } from "node:module";
import { posix } from "node:path";
import { type Import, importsOf, readSource, type Source } from "./source.ts";
import { placeOf, table } from "./table.ts";

export type Files = ReadonlyMap<string, string>;
/** `ofEmulators`: what their workspace adds to the packages of the root. */
export type Packages = Readonly<
  Record<"dependencies" | "devDependencies" | "ofEmulators", readonly string[]>
>;

/** Of a file with one subject. */
const maxLines = 300;
const anyType = /:\s*any\b|\bas\s+any\b|<\s*any\s*[,>]|,\s*any\s*>|\bany\s*\[\]|=\s*any\s*;|\|\s*any\b/;
/** `...{ a, b }` within an object or `...[a, b]` within a list: only the formatter is pleased. */
const literalSpread = /\.\.\.(?:\{[^{}]*\}|\[[^[\]]*\])(?!\s*[.[])/;
/** A variable, or a collection that is filled later. */
const moduleState =
  /^(?:export )?(?:let \w|const \w+(?:: [^=\n]+)? = new (?:Weak)?(?:Map|Set)(?:<.*>)?\(\))/m;
/** A thread's own script, and the files that all spools of a process write. */
const statefulModules: ReadonlySet<string> = new Set(["src/store/sqlite/worker.ts", "src/archive/spool.ts"]);
const processUse =
  /\bprocess\s*(?:\?\.|\.)\s*(env|exit|exitCode|on|once)\b|\bprocess\s*\[|\{[^}]*\}\s*=\s*process\b/;
const processImport = /^(node:)?process$/;

/** All breaches of the rules of the house, one sentence each; none means that it is in order. */
export function findFaults(files: Files, packages: Packages): string[] {
  const faults: string[] = [];
  const graph = new Map<string, string[]>();
  const typeNames = new Map<string, string>();
  for (const [path, text] of files) {
    const source = readSource(text);
    const imports = importsOf(source);
    faults.push(...faultsOfText(path, text, source));
    if (isProduct(path)) faults.push(...faultsOfTypeNames(path, source, typeNames));
    faults.push(...imports.flatMap((one) => faultOfImport(path, one, files, packages) ?? []));
    graph.set(
      path,
      imports.flatMap(({ from }) => (from && targetOf(path, from, files)) || []),
    );
  }
  return [...faults, ...cyclesOf(graph), ...cyclesOf(roomsOf(graph)), ...tinyFilesOf(files, graph)];
}

/** The folders of the product, and which of them imports which; a file in `src` itself is a room of its own. */
function roomsOf(graph: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const roomOf = (path: string): string => (posix.dirname(path) === "src" ? path : `${posix.dirname(path)}/`);
  const rooms = new Map<string, string[]>();
  for (const [path, targets] of graph) {
    if (!isProduct(path)) continue;
    const room = roomOf(path);
    const others = targets.map(roomOf).filter((other) => other !== room);
    rooms.set(room, [...(rooms.get(room) ?? []), ...others]);
  }
  return rooms;
}

/** A file of so few lines that only one other of its folder imports is a part of that one. */
const tinyLines = 40;

function tinyFilesOf(files: Files, graph: ReadonlyMap<string, readonly string[]>): string[] {
  const importers = new Map<string, Set<string>>();
  for (const [path, targets] of graph) {
    if (!isProduct(path)) continue;
    for (const target of targets) importers.set(target, (importers.get(target) ?? new Set()).add(path));
  }
  return [...importers].flatMap(([path, [only, ...others]]) => {
    const lines = (files.get(path) ?? "").split("\n").length - 1;
    const isPart = only !== undefined && others.length === 0 && posix.dirname(only) === posix.dirname(path);
    return isPart && lines > 0 && lines <= tinyLines && isProduct(path)
      ? [`${path} has ${lines} lines, and only ${only} imports it: put it there`]
      : [];
  });
}

function faultsOfText(path: string, text: string, { code }: Source): string[] {
  const faults: string[] = [];
  const lines = text.replace(/\n$/, "").split("\n").length;
  if (lines > maxLines) faults.push(`${path} has ${lines} lines, more than ${maxLines}`);
  if (anyType.test(code)) faults.push(`${path} uses \`any\``);
  if (/\bexport\s+default\b|\bas\s+default\b/.test(code) && !/(^|\/)vite(st)?\.config\.ts$/.test(path)) {
    faults.push(`${path} has a default export`);
  }
  if (isProduct(path) && literalSpread.test(code)) {
    faults.push(`${path} spreads a literal: write its members where they go`);
  }
  if (isProduct(path) && !statefulModules.has(path) && moduleState.test(code)) {
    faults.push(`${path} keeps state in the module: give it to an object that its user makes`);
  }
  const row = placeOf(path)?.row;
  if (row === undefined) faults.push(`${path} has no row in the import table`);
  if (!mayUseProcess(row) && processUse.test(code)) {
    faults.push(`${path} uses process.env, exit or signals: only main and cli may`);
  }
  return faults;
}

/** What is shipped, as against tests and tools. */
function isProduct(path: string): boolean {
  return path.startsWith("src/") || path.startsWith("connectors/");
}

/** A type name has one meaning in the house. `known`: the names of the files before, and where each is declared. */
function faultsOfTypeNames(path: string, { code }: Source, known: Map<string, string>): string[] {
  const faults: string[] = [];
  for (const [, name = ""] of code.matchAll(/^(?:export )?(?:type|interface|class) (\w+)(?=[\s<={])/gm)) {
    const first = known.get(name);
    if (first === undefined) known.set(name, path);
    else faults.push(`${path} declares the type ${name}, as ${first} does`);
  }
  return faults;
}

function mayUseProcess(row: string | undefined): boolean {
  return row === "main" || row === "cli" || isTooling(row);
}

/** Parts that are never shipped, or shipped as they were built: they may use dev dependencies. */
function isTooling(row: string | undefined): boolean {
  return row === "emulators" || row === "tooling" || row === "console";
}

function faultOfImport(path: string, { from, types }: Import, files: Files, packages: Packages) {
  const place = placeOf(path);
  if (!place) return undefined;
  if (from === undefined) {
    return table[place.row]?.imports === "everything" ? undefined : `${path} imports an expression`;
  }
  const target = targetOf(path, from, files);
  if (target === undefined) return faultOfPackage(path, from, place.row, packages);
  if (place.row !== "emulators" && from.startsWith(".") && target.startsWith("emulators/")) {
    return `${path} imports ${from}: emulators have a name, ${workspace}`;
  }
  if (!/\.(tsx?|mjs)$/.test(target))
    return /\.(json|css)$/.test(target) ? undefined : `${path}: ${from} has no .ts`;
  if (!files.has(target)) return `${path}: ${from} does not exist`;
  return faultOfDirection(path, target, types);
}

function faultOfPackage(path: string, from: string, row: string, packages: Packages) {
  if (processImport.test(from) && !mayUseProcess(row)) return `${path} imports process`;
  if (from.startsWith("node:") || builtinModules.includes(from)) return undefined;
  const name = from
    .split("/")
    .slice(0, from.startsWith("@") ? 2 : 1)
    .join("/");
  if (packages.dependencies.includes(name)) return undefined;
  if (isTooling(row) && packages.devDependencies.includes(name)) return undefined;
  if (row === "emulators" && packages.ofEmulators.includes(name)) return undefined;
  const why = packages.devDependencies.includes(name) ? "a dev dependency" : "not in package.json";
  return `${path} imports ${name}, which is ${why}`;
}

function faultOfDirection(path: string, target: string, types: boolean) {
  const [here, there] = [placeOf(path), placeOf(target)];
  if (!here || !there) return undefined;
  const imports = table[here.row]?.imports ?? {};
  if (imports === "everything") return undefined;
  if (here.row === there.row) {
    return here.folder === there.folder ? undefined : `${path} imports its neighbour ${target}`;
  }
  const right = Object.hasOwn(imports, there.row) ? imports[there.row] : undefined;
  if (right === "all" || (right === "types" && types)) return undefined;
  return `${path} imports ${target}: ${here.row} may ${right ? "import only types of" : "not import"} ${there.row}`;
}

/** The workspace of the emulators; what its `exports` name is a file or a folder with an `index.ts`. */
const workspace = "@switchhook/emulators";

/** The file of ours that an import names; undefined for a package. */
function targetOf(path: string, from: string, files: Files): string | undefined {
  if (from.startsWith(".")) return posix.join(posix.dirname(path), from);
  if (!from.startsWith(`${workspace}/`)) return undefined;
  const target = from.replace(workspace, "emulators");
  return files.has(`${target}/index.ts`) ? `${target}/index.ts` : `${target}.ts`;
}

/** Each file that can reach itself through imports, types included, told once per circle. */
function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const faults: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      faults.push(`circle of imports: ${[...trail.slice(trail.indexOf(path)), path].join(" -> ")}`);
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return faults;
}
