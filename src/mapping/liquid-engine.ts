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
import { type TextMeter, weigh } from "./budget.ts";
import { chargedOperators, chargeFilters, meterOf } from "./liquid-costs.ts";
import { chargedTag, type TagClass } from "./liquid-tags.ts";

/** Tags in tags: more would end in the stack's own limit, which depends on who asks. */
const deepestTags = 50;
/** A tag or an output costs this for each of its own characters: each may be a value that is looked up and compared. */
const sourceWeight = 12;
/** liquidjs itself counts what it copies. */
const copyWeight = 2;

/** How much of the text is a tag, and how much of that is its own: without the tags and texts within it. */
const sizes = new WeakMap<object, { whole: number; own: number }>();

/**
 * A Liquid engine whose renderings spend for each step and each character, wherever they come from: tags, filters,
 * operators and what is printed. Its filters and tags are charged when `chargeEngine` is called.
 */
export function createLiquid(options: ConstructorParameters<typeof Liquid>[0]): Liquid {
  const liquid = new Liquid({ ...options, operators: chargedOperators });
  liquid.renderer.renderTemplates = renderTemplates;
  return liquid;
}

/** After the last filter and tag were added. */
export function chargeEngine(liquid: Liquid): void {
  chargeFilters(liquid);
  const nesting: Nesting = { depth: 0 };
  for (const [name, tag] of Object.entries(liquid.tags)) liquid.tags[name] = measured(tag, nesting);
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

/** As liquidjs has it, but for the limits. */
function* renderTemplates(
  templates: Template[],
  context: Context,
  given?: Emitter,
): Generator<unknown, string> {
  const meter = meterOf(context);
  const emitter = given ?? createEmitter(meter);
  // A loop around nothing takes its time, too.
  meter.step();
  for (const template of templates) {
    meter.step();
    meter.read(costOf(template));
    const printed = yield template.render(context, emitter);
    if (printed) emitter.write(printed);
    if (context.breakCalled || context.continueCalled) break;
  }
  return emitter.buffer;
}

function costOf(template: Template): number {
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

/** As liquidjs prints it. */
function printed(given: unknown): string {
  const value: unknown = toValue(given);
  if (value === undefined || value === null) return "";
  return Array.isArray(value) ? value.map(printed).join("") : String(value);
}

/** The tags around the one that is read. `end`: where the `liquid` tag around it ends. */
type Nesting = { depth: number; end?: number | undefined };

/** The same tag, which knows its size, and that it does not stand too deep in others. */
function measured(tag: TagClass, nesting: Nesting): TagClass {
  return new Proxy(tag, {
    construct(target, [token, rest, liquid, parser]: ConstructorParameters<TagClass>) {
      if (nesting.depth >= deepestTags) throw new Error(`tags are nested more than ${deepestTags} deep`);
      const { end } = nesting;
      nesting.depth += 1;
      if (token.name === "liquid") nesting.end = token.end;
      try {
        const made = new target(token, rest, liquid, parser);
        const whole = (rest[0]?.begin ?? end ?? token.input.length) - token.begin;
        sizes.set(made, { whole, own: whole - sizeWithin(made) });
        return chargedTag(made, meterOf);
      } finally {
        nesting.depth -= 1;
        nesting.end = end;
      }
    },
  });
}

function sizeWithin(tag: Tag & Template): number {
  const children = tag.children ? (toValueSync(tag.children(false, true)) as Template[]) : [];
  return children.reduce((sum, child) => sum + (sizes.get(child)?.whole ?? lengthOf(child)), 0);
}
