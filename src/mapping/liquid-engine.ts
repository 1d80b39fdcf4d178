import {
  Context,
  type Emitter,
  Liquid,
  type Tag,
  type Template,
  TokenKind,
  toValue,
  toValueSync,
} from "liquidjs";
import { chargedOperators, chargedTag, chargeFilters, meterOf, type TagClass } from "./liquid-costs.ts";
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
      meter.read(costOf(template, sizes));
      const printed = yield template.render(context, emitter);
      if (printed) emitter.write(printed);
      if (context.breakCalled || context.continueCalled) break;
    }
    return emitter.buffer;
  };
}

function costOf(template: Template, sizes: Sizes): number {
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
        return chargedTag(made, meterOf);
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
