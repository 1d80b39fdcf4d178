import { Drop, type Liquid, Token } from "liquidjs";
import { createLiquid, render } from "./liquid-engine.ts";
import { didYouMean } from "./nearest.ts";
import { findPath, pathCure } from "./paths.ts";
import { cleanText, LimitError, type Rendering, spend } from "./rendering.ts";
import { type Path, zoneOf } from "./view.ts";

/** A template, ready to render; `paths`: the facts that it names. */
export type Text = { paths: string[]; read(rendering: Rendering): string | undefined };

type Report = (problem: string, cure?: string) => void;
type Node = { fact?: { name: string; path: Path }; children: Map<string, Node> };

const longestText = 20_000;
/** The most unknown words of one text that are reported. */
const mostUnknown = 20;

const fileTags = ["include", "render", "layout", "block"];
/** Removed: randomness and the host's time zone would make two renderings of one call differ. */
const unsteadyFilters = [
  "sample",
  "shuffle",
  "date_to_xmlschema",
  "date_to_rfc822",
  "date_to_string",
  "date_to_long_string",
];
/** Removed: `where_exp` and the like compile a text, which may come from a caller, for each call. */
const expression = /^(\w+)_exp$/;
const loneOutput = /^\s*\{\{-?\s*([\w.-]+?)\s*-?\}\}\s*$/;
const clockInText = /["'](now|today)["']/;

const engine = createLiquid({ strictFilters: true, ownPropertyOnly: true, locale: "en-US" }, restrict);

/**
 * Compiles a Liquid text. Reports every unknown word, and then returns undefined. `field`: named when the text reaches
 * a limit.
 */
export function compileText(source: string, field: string, report: Report): Text | undefined {
  const lone = loneOutput.exec(source)?.[1] ?? "";
  const path = findPath(lone);
  // A fact is clean already.
  if (path) return { paths: [lone], read: (rendering) => rendering.fact(lone, path)?.toString() };
  const parsed = parse(source, report);
  if (!parsed) return undefined;
  const unknown = parsed.paths.filter((name) => !findPath(name));
  for (const name of unknown.slice(0, mostUnknown)) reportUnknown(name, report);
  if (unknown.length > 0) return undefined;
  const root = treeOf(parsed.paths);
  const read = (rendering: Rendering): string | undefined => {
    const globals = { timeZone: zoneOf(rendering.view) };
    try {
      const facts = valueAt(root, rendering) as object;
      return cleanText(
        spend(rendering.budget, (meter) =>
          render(engine, parsed.templates, { scope: facts, globals, meter }),
        ),
      );
    } catch (error) {
      if (error instanceof LimitError) rendering.limited.push({ field, limit: error.limit });
      // Liquid also throws for a value that a filter cannot read: the field is then absent, as for an unknown fact.
      return undefined;
    }
  };
  return { paths: parsed.paths, read };
}

/** What a text may use besides facts, in the order of the alphabet. */
export function liquidWords(): { filters: string[]; tags: string[] } {
  return { filters: Object.keys(engine.filters).sort(), tags: Object.keys(engine.tags).sort() };
}

/** Keeps only filters and tags whose result depends on nothing but the call. */
function restrict(liquid: Liquid): void {
  const { filters, tags } = liquid;
  for (const name of Object.keys(filters))
    if (unsteadyFilters.includes(name) || expression.test(name)) delete filters[name];
  for (const name of fileTags) delete tags[name];
  // A fact with members is a Drop, which has no length of its own.
  liquid.registerFilter("size", (value: unknown) => {
    const plain = value instanceof Drop ? value.valueOf() : value;
    return typeof plain === "string" || Array.isArray(plain) ? plain.length : 0;
  });
  const date = filters["date"];
  liquid.registerFilter("date", function (value, format, zone) {
    if (typeof date !== "function" || value === "now" || value === "today") return undefined;
    return date.call(this, value, format ?? "%Y-%m-%d %H:%M", zone ?? this.context.getSync(["timeZone"]));
  });
}

function parse(source: string, report: Report) {
  if (source.length > longestText) {
    report(
      `has more than ${longestText.toLocaleString("en")} characters.`,
      "Write less, or use several fields.",
    );
    return undefined;
  }
  if (clockInText.test(source) && /\|\s*date\b/.test(source)) {
    report(
      "it prints the time of day now, which changes whenever the call is written.",
      "Use call.startedAt.",
    );
    return undefined;
  }
  try {
    return countingLinesOnce(source, () => {
      const templates = engine.parse(source);
      const paths = engine
        .globalVariableSegmentsSync(templates, { partials: false })
        .map((segments) =>
          segments.map((segment) => (Array.isArray(segment) ? `[${segment.join(".")}]` : segment)).join("."),
        );
      return { templates, paths: [...new Set(paths)] };
    });
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n", 1)[0] ?? "") : String(error);
    report(`the Liquid text does not parse: ${message.slice(0, 200)}.`, liquidCure(message));
    return undefined;
  }
}

function liquidCure(message: string): string | undefined {
  const filter = /undefined filter: ([^\s,]+)/.exec(message)?.[1];
  const plain = expression.exec(filter ?? "")?.[1];
  if (plain && Object.hasOwn(engine.filters, plain))
    return `No filter compiles a text at each call: use ${plain}, or for with if.`;
  if (filter) return didYouMean(filter, Object.keys(engine.filters)) ?? "liquidjs.com lists the filters.";
  const tag = /tag "([^"]+)" not found/.exec(message)?.[1];
  if (!tag) return undefined;
  if (fileTags.includes(tag)) return "A mapping reads no other files: write the text here.";
  return didYouMean(tag, Object.keys(engine.tags)) ?? "liquidjs.com lists the tags.";
}

function reportUnknown(name: string, report: Report): void {
  if (name.includes("[")) report(`${name} picks a fact by another fact.`, "Name the fact itself, or use if.");
  else if (name.endsWith(".size")) report(`${name} is not a path.`, `Use ${name.slice(0, -5)} | size.`);
  else report(`${name.slice(0, 100)} is not a path.`, pathCure(name));
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
    if (path) node.fact = { name, path };
  }
  return root;
}

/** Reads only the facts that the text names. */
function valueAt({ fact, children }: Node, rendering: Rendering): unknown {
  const value = fact && rendering.fact(fact.name, fact.path);
  if (children.size === 0) return value;
  const members: Record<string, unknown> = Object.create(null);
  for (const [name, child] of children) members[name] = valueAt(child, rendering);
  if (!fact) return members;
  // `call.startedAt` has a value and members: liquidjs prints a Drop by its valueOf and can still read its members.
  const drop: Drop = Object.create(Drop.prototype);
  return Object.assign(drop, members, { valueOf: () => value });
}

/**
 * For the line of each variable, liquidjs counts from the start of the text, which takes quadratic time. During `work` the
 * lines of `text` are counted once; lines and columns are the same.
 */
function countingLinesOnce<T>(text: string, work: () => T): T {
  const usual = Token.prototype.getPosition;
  const starts = startsOfLines(text);
  Token.prototype.getPosition = function () {
    if (this.input !== text) return usual.call(this);
    const row = rowOf(starts, this.begin);
    return [row, this.begin - (starts[row - 1] ?? 0) + 1];
  };
  try {
    return work();
  } finally {
    Token.prototype.getPosition = usual;
  }
}

function startsOfLines(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** The number of lines that start at or before `at`. */
function rowOf(starts: readonly number[], at: number): number {
  let [low, high] = [0, starts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
