import {
  Context,
  Drop,
  defaultOperators,
  type Emitter,
  evalToken,
  Liquid,
  type Tag,
  type Template,
  TokenKind,
  TypeGuards,
  toValue,
  toValueSync,
  type ValueToken,
} from "liquidjs";
import { type TextMeter, weigh } from "./rendering.ts";

/** Tags in tags: more could overflow the stack, at a depth that depends on the caller. */
const deepestTags = 50;
/** The cost of a tag or an output, per character of its own source: each may be a value that is looked up and compared. */
const sourceWeight = 12;
/** The cost of a character that liquidjs counts as copied. */
const copyWeight = 2;

/** The length of each tag's source, with and without the tags and texts within it. */
type Sizes = WeakMap<object, { whole: number; own: number }>;

/**
 * A Liquid engine whose renderings spend for every step and every character: in tags, filters, operators and output.
 * `customize` adds and removes filters and tags.
 */
export function createLiquid(
  options: ConstructorParameters<typeof Liquid>[0],
  customize: (liquid: Liquid) => void,
): Liquid {
  const sizes: Sizes = new WeakMap();
  const liquid = new Liquid({ ...options, operators: chargedOperators });
  liquid.renderer.renderTemplates = rendererOf(sizes);
  customize(liquid);
  chargeFilters(liquid);
  const nesting: Nesting = { depth: 0, sizes };
  for (const [name, tag] of Object.entries(liquid.tags)) liquid.tags[name] = measured(tag, nesting);
  return liquid;
}

export function render(
  liquid: Liquid,
  templates: Template[],
  { scope, globals, meter }: { scope: object; globals: object; meter: TextMeter },
) {
  const limits = {
    renderLimit: { use: meter.step },
    memoryLimit: { use: (count: number) => meter.read(copyWeight * count), meter },
  } as unknown as Pick<Context, "renderLimit" | "memoryLimit">;
  const context = new Context(scope, liquid.options, { sync: true, globals }, { ...limits, liquid });
  return liquid.renderSync(templates, context) as string;
}

/** The rendering loop of liquidjs, with limits. */
function rendererOf(sizes: Sizes) {
  return function* (templates: Template[], context: Context, given?: Emitter): Generator<unknown, string> {
    const meter = meterOf(context);
    const emitter = given ?? createEmitter(meter);
    // Also counts a loop with an empty body.
    meter.step();
    for (const template of templates) {
      meter.step();
      meter.read(templateCost(template, sizes));
      const printed = yield template.render(context, emitter);
      if (printed) emitter.write(printed);
      if (context.breakCalled || context.continueCalled) break;
    }
    return emitter.buffer;
  };
}

function templateCost(template: Template, sizes: Sizes): number {
  if (template.token.kind === TokenKind.HTML) return 1;
  return sourceWeight * (sizes.get(template)?.own ?? lengthOf(template));
}

function lengthOf({ token }: Template): number {
  return token.end - token.begin;
}

function createEmitter(meter: TextMeter): Emitter {
  const emitter: Emitter = {
    buffer: "",
    write(value: unknown) {
      const plain: unknown = toValue(value);
      weigh(meter, plain);
      emitter.buffer += printed(plain);
    },
  };
  return emitter;
}

/** A value as liquidjs prints it. */
function printed(given: unknown): string {
  const value: unknown = toValue(given);
  if (value === undefined || value === null) return "";
  return Array.isArray(value) ? value.map(printed).join("") : String(value);
}

/** The tags around the one that is parsed. `end`: where the enclosing `liquid` tag ends. */
type Nesting = { depth: number; end?: number | undefined; sizes: Sizes };

/** The tag, with a limit on its depth; its size is measured when it is parsed. */
function measured(tag: TagClass, nesting: Nesting): TagClass {
  const { sizes } = nesting;
  return new Proxy(tag, {
    construct(target, [token, rest, liquid, parser]: ConstructorParameters<TagClass>) {
      if (nesting.depth >= deepestTags) throw new Error(`tags are nested more than ${deepestTags} deep`);
      const { end } = nesting;
      nesting.depth += 1;
      if (token.name === "liquid") nesting.end = token.end;
      try {
        const made = new target(token, rest, liquid, parser);
        const whole = (rest[0]?.begin ?? end ?? token.input.length) - token.begin;
        sizes.set(made, { whole, own: whole - sizeWithin(made, sizes) });
        return chargedTag(made);
      } finally {
        nesting.depth -= 1;
        nesting.end = end;
      }
    },
  });
}

function sizeWithin(tag: Tag & Template, sizes: Sizes): number {
  const children = tag.children ? (toValueSync(tag.children(false, true)) as Template[]) : [];
  return children.reduce((sum, child) => sum + (sizes.get(child)?.whole ?? lengthOf(child)), 0);
}

/** The fixed cost of calling a filter or an operator, in characters. */
const callCost = 50;
/** Filters that take several times as long per character as the others. Measured with the worst texts (2026-11). */
const weights: Readonly<Record<string, number>> = {
  escape: 6,
  escape_once: 12,
  xml_escape: 6,
  slugify: 12,
  json: 3,
  jsonify: 3,
  inspect: 3,
  url_encode: 4,
  url_decode: 4,
  cgi_escape: 5,
  uri_escape: 4,
  strip_html: 4,
  replace: 4,
  remove: 4,
  split: 2,
  squish: 2,
  truncatewords: 2,
  number_of_words: 2,
};
/** They search for one text in another: in V8 the worst case is the product of both lengths. */
const searches = words("split replace replace_first replace_last remove remove_first remove_last");
const patternStep = 24;
/** They visit each item, and parse the name of the property for each. */
const perItem = words("map sum where reject group_by has find find_index sort sort_natural");
const itemCost = 100;
const propertyWeight = 6;
const sorts = words("sort sort_natural");
const logical = words("and or not");
/** Names of days, months and zones come from `Intl`, which is slow. */
const dateCost = 8_000;
const datePartCost = 6_000;

/** Makes every filter of an engine spend for what it reads, before it runs. */
function chargeFilters({ filters }: Liquid): void {
  for (const [name, filter] of Object.entries(filters)) {
    if (typeof filter !== "function") continue;
    const spend = costOf(name);
    filters[name] = function (value: unknown, ...args: unknown[]) {
      spend(meterOf(this.context), value, args);
      return filter.call(this, value, ...args);
    };
  }
}

const chargedOperators = Object.fromEntries(
  Object.entries(defaultOperators).map(([name, operator]) => {
    return [name, charged(name, operator as (left: unknown, right: unknown, context: Context) => unknown)];
  }),
) as typeof defaultOperators;

function charged(name: string, operator: (left: unknown, right: unknown, context: Context) => unknown) {
  return (left: unknown, right: unknown, context: Context): unknown => {
    const meter = meterOf(context);
    meter.read(callCost);
    if (logical.has(name)) return operator(left, right, context);
    const size = weigh(meter, plain(left));
    const other = weigh(meter, plain(right));
    if (name === "contains") search(meter, size, other);
    return operator(left, right, context);
  };
}

function costOf(name: string): (meter: TextMeter, value: unknown, args: readonly unknown[]) => void {
  const weight = weights[name] ?? 1;
  return (meter, value, args) => {
    meter.read(callCost);
    const given = plain(value);
    const size = weigh(meter, given, weight);
    const [first = 0, ...others] = args.map((arg) => weigh(meter, plain(arg)));
    if (searches.has(name)) search(meter, size, first);
    const items = Array.isArray(given) ? given.length : 1;
    if (perItem.has(name)) meter.read(items * (itemCost + propertyWeight * first));
    if (sorts.has(name)) meter.read(2 * size * Math.log2(items + 1));
    if (name === "date") meter.read(dateCost + datePartCost * partsIn(args[0]) + (others[0] ?? 0));
  };
}

function search(meter: TextMeter, text: number, pattern: number): void {
  meter.read(text * Math.floor(pattern / patternStep));
}

function partsIn(format: unknown): number {
  return typeof format === "string" ? format.split("%").length - 1 : 1;
}

/** A Drop stands for its value. */
function plain(value: unknown): unknown {
  return value instanceof Drop ? value.valueOf() : value;
}

/** The engine passes it to each rendering in place of its own limit. */
function meterOf({ memoryLimit }: Context): TextMeter {
  return (memoryLimit as unknown as { meter: TextMeter }).meter;
}

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(" "));
}

type TagClass = Liquid["tags"][string];
type Rendered = Generator<unknown, unknown>;
type Charge = (tag: Tag, context: Context, meter: TextMeter) => Rendered;

/** The cost of comparing one value of a `case`, in characters. */
const comparison = 150;

/** The costs of these tags besides rendering their contents. */
const charges: Readonly<Record<string, Charge>> = {
  for: chargeList,
  tablerow: chargeList,
  *case(tag, context, meter) {
    const { value, branches } = tag as unknown as CaseParts;
    const size = weigh(meter, yield value.value(context));
    for (const { values } of branches) meter.read(values.length * (comparison + size));
  },
};

type CaseParts = {
  value: { value(context: Context): Rendered };
  branches: readonly { values: readonly unknown[] }[];
};

/** A tag that spends, before it is rendered, for the lists that it copies and the values that it compares. */
function chargedTag(tag: Tag): Tag {
  const charge = charges[tag.name];
  if (!charge) return tag;
  const render = tag.render.bind(tag);
  return Object.assign(tag, {
    *render(context: Context, emitter: Emitter): Rendered {
      yield charge(tag, context, meterOf(context));
      return yield render(context, emitter);
    },
  });
}

function* chargeList(tag: Tag, context: Context, meter: TextMeter): Rendered {
  const { collection } = tag as unknown as { collection: ValueToken };
  // A range is created each time, and spends for that.
  if (TypeGuards.isRangeToken(collection)) return;
  const list = yield evalToken(collection, context);
  if (Array.isArray(list)) meter.read(list.length);
}
