import { Drop, Liquid } from "liquidjs";
import { didYouMean } from "./nearest.ts";
import { findPath, type Path, pathCure } from "./paths.ts";
import { cleanText, readPath } from "./read.ts";
import { type View, zoneOf } from "./view.ts";

/** A template, ready to render; `paths`: the facts that it names. */
export type Text = { paths: string[]; read(view: View): string | undefined };

type Report = (problem: string, cure?: string) => void;
type Node = { path?: Path; children: Map<string, Node> };

const fileTags = ["include", "render", "layout", "block"];
/** Left out: chance and the host's time zone would make two renderings of one call differ. */
const unsteadyFilters = ["sample", "shuffle", "date_to_xmlschema", "date_to_rfc822", "date_to_string"];
const loneOutput = /^\s*\{\{-?\s*([\w.-]+?)\s*-?\}\}\s*$/;
const clockInText = /["'](now|today)["']/;

const engine = createEngine();

/** Compiles a Liquid text; reports every word in it that means nothing and then returns undefined. */
export function compileText(source: string, report: Report): Text | undefined {
  const lone = loneOutput.exec(source)?.[1] ?? "";
  const path = findPath(lone);
  if (path) return { paths: [lone], read: (view) => cleanText(String(readPath(path, view) ?? "")) };
  const parsed = parse(source, report);
  if (!parsed) return undefined;
  const known = parsed.paths.filter((name) => isKnown(name, report));
  const root = treeOf(known);
  const read = (view: View): string | undefined => {
    const globals = { timeZone: zoneOf(view) };
    try {
      return cleanText(engine.renderSync(parsed.templates, valueAt(root, view) as object, { globals }));
    } catch {
      // Liquid throws when a text passes its limits of time and memory: the field is then absent like any unknown fact.
      return undefined;
    }
  };
  return { paths: known, read };
}

function createEngine(): Liquid {
  const liquid = new Liquid({
    strictFilters: true,
    ownPropertyOnly: true,
    locale: "en-US",
    parseLimit: 20_000,
    renderLimit: 250,
    memoryLimit: 5_000_000,
  });
  const { filters, tags } = liquid;
  for (const name of unsteadyFilters) delete filters[name];
  delete filters["date_to_long_string"];
  for (const name of fileTags) delete tags[name];
  // A fact with members stands in a Drop, which has no length of its own.
  liquid.registerFilter("size", (value: unknown) => {
    const plain = value instanceof Drop ? value.valueOf() : value;
    return typeof plain === "string" || Array.isArray(plain) ? plain.length : 0;
  });
  const date = filters["date"];
  liquid.registerFilter("date", function (value, format, zone) {
    if (typeof date !== "function" || value === "now" || value === "today") return undefined;
    return date.call(this, value, format ?? "%Y-%m-%d %H:%M", zone ?? this.context.getSync(["timeZone"]));
  });
  return liquid;
}

function parse(source: string, report: Report) {
  if (clockInText.test(source) && /\|\s*date\b/.test(source)) {
    report(
      "it prints the time of day now, which changes whenever the call is written.",
      "Use call.startedAt.",
    );
    return undefined;
  }
  try {
    const templates = engine.parse(source);
    const paths = engine
      .globalVariableSegmentsSync(templates, { partials: false })
      .map((segments) =>
        segments.map((segment) => (Array.isArray(segment) ? `[${segment.join(".")}]` : segment)).join("."),
      );
    return { templates, paths: [...new Set(paths)] };
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error);
    report(`the Liquid text does not parse: ${message.slice(0, 200)}.`, liquidCure(message));
    return undefined;
  }
}

function liquidCure(message: string): string | undefined {
  const filter = /undefined filter: ([^\s,]+)/.exec(message)?.[1];
  if (filter) return didYouMean(filter, Object.keys(engine.filters)) ?? "liquidjs.com lists the filters.";
  const tag = /tag "([^"]+)" not found/.exec(message)?.[1];
  if (!tag) return undefined;
  if (fileTags.includes(tag)) return "A mapping reads no other files: write the text here.";
  return didYouMean(tag, Object.keys(engine.tags)) ?? "liquidjs.com lists the tags.";
}

function isKnown(name: string, report: Report): boolean {
  if (findPath(name)) return true;
  if (name.includes("[")) report(`${name} picks a fact by another fact.`, "Name the fact itself, or use if.");
  else if (name.endsWith(".size")) report(`${name} is not a path.`, `Use ${name.slice(0, -5)} | size.`);
  else report(`${name.slice(0, 100)} is not a path.`, pathCure(name));
  return false;
}

function treeOf(names: readonly string[]): Node {
  const root: Node = { children: new Map() };
  for (const name of names) {
    let node = root;
    for (const segment of name.split(".")) {
      const child: Node = node.children.get(segment) ?? { children: new Map() };
      node.children.set(segment, child);
      node = child;
    }
    const path = findPath(name);
    if (path) node.path = path;
  }
  return root;
}

/** Only what the text names is read. */
function valueAt({ path, children }: Node, view: View): unknown {
  const value = path && readPath(path, view);
  if (children.size === 0) return value;
  const members: Record<string, unknown> = Object.create(null);
  for (const [name, child] of children) members[name] = valueAt(child, view);
  if (!path) return members;
  // `call.startedAt` has a value and members: liquidjs prints a Drop by its valueOf and still reads its members.
  const drop: Drop = Object.create(Drop.prototype);
  return Object.assign(drop, members, { valueOf: () => value });
}
