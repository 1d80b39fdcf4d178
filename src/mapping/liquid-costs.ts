import {
  type Context,
  Drop,
  defaultOperators,
  type Emitter,
  evalToken,
  type Liquid,
  type Tag,
  TypeGuards,
  type ValueToken,
} from "liquidjs";
import { type TextMeter, weigh } from "./rendering.ts";

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
export function chargeFilters({ filters }: Liquid): void {
  for (const [name, filter] of Object.entries(filters)) {
    if (typeof filter !== "function") continue;
    const spend = costOf(name);
    filters[name] = function (value: unknown, ...args: unknown[]) {
      spend(meterOf(this.context), value, args);
      return filter.call(this, value, ...args);
    };
  }
}

export const chargedOperators = Object.fromEntries(
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
export function meterOf({ memoryLimit }: Context): TextMeter {
  return (memoryLimit as unknown as { meter: TextMeter }).meter;
}

function words(list: string): ReadonlySet<string> {
  return new Set(list.split(" "));
}

export type TagClass = Liquid["tags"][string];
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
export function chargedTag(tag: Tag, meterOf: (context: Context) => TextMeter): Tag {
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
