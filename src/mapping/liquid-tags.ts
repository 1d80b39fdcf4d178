import {
  type Context,
  type Emitter,
  evalToken,
  type Liquid,
  type Tag,
  TypeGuards,
  type ValueToken,
} from "liquidjs";
import { type TextMeter, weigh } from "./budget.ts";

export type TagClass = Liquid["tags"][string];
type Rendered = Generator<unknown, unknown>;
type Charge = (tag: Tag, context: Context, meter: TextMeter) => Rendered;

/** Comparing one value of a `case`, in characters. */
const comparison = 150;

/** What these do besides rendering what is in them. */
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
  // A range is made anew each time, and spends for that.
  if (TypeGuards.isRangeToken(collection)) return;
  const list = yield evalToken(collection, context);
  if (Array.isArray(list)) meter.read(list.length);
}
