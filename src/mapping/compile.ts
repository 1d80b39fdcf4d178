import { isMissed, type Scalar } from "../core/call.ts";
import type { Fields, WriteMode } from "../core/crm.ts";
import { ConfigError } from "../core/errors.ts";
import { shapeFaults } from "./faults.ts";
import { parseJson } from "./json.ts";
import { isWithheldCall } from "./people.ts";
import { type RenderBudget, type Rendering, startRendering } from "./rendering.ts";
import {
  type ConditionSource,
  largestFile,
  mappingSchema,
  type RuleSource,
  ruleSchema,
  sizeFaults,
  tooLarge,
  type ValueSource,
  valueSchema,
} from "./schema.ts";
import {
  addFault,
  checkConstant,
  compilePath,
  compileValue,
  type Findings,
  isFull,
  reportedFaults,
  type Value,
  type Yield,
} from "./value.ts";
import { createClocks, type View } from "./view.ts";

type MappedAnswer = Ruling & { variables: Record<string, string>; metadata: Record<string, Scalar> };

/** The values that each field of a section can get, for `checkMapping`. */
export type Yields = Readonly<Record<string, Yield>>;

/** All parts of one record share a rendering; a part given a view is rendered by itself. */
type Of = View | Rendering;

/** A compiled mapping file. Applying it does no I/O and does not throw; an absent fact gives no field. */
export type Mapping = {
  crm: string;
  /** Starts a record whose parts share what their texts may spend. */
  render(view: View, budget?: RenderBudget): Rendering;
  activity(of: Of): { fields: Fields; modes: Readonly<Record<string, WriteMode>> };
  activityFields: readonly string[];
  associate(of: Of): Record<string, string> | undefined;
  associates: readonly string[];
  yields: { activity: Yields; contact: Yields; task: Yields };
  contact(of: Of): Fields;
  task(of: Of): Fields | undefined;
  answer(of: Of): MappedAnswer;
  /** The N of every `contact.fields.N`. */
  contactFields: readonly string[];
  /** The place of each in the file. */
  contactFieldPlaces: ReadonlyMap<string, string>;
};

/** Throws `ConfigError` with all faults: of the JSON with line and column, of the mapping with their paths. */
export function parseMapping(text: string, file: string): Mapping {
  if (text.length > largestFile) throw new ConfigError([tooLarge(file)]);
  return compileMapping(parseJson(text, file), file);
}

/** Throws `ConfigError` with all faults at once. */
export function compileMapping(source: unknown, file: string): Mapping {
  const tooMuch = sizeFaults(source, file);
  if (tooMuch.length > 0) throw new ConfigError(tooMuch);
  const findings: Findings = { file, faults: [], contactFields: new Map(), liquid: 0 };
  const parsed = mappingSchema.safeParse(source);
  if (!parsed.success) findings.faults.push(...shapeFaults(parsed.error, source, file));
  const top = membersOf(source);
  const answerSource = membersOf(top["answer"]);
  const task = membersOf(top["task"]);
  const activity = compileFields(top["activity"], ["activity"], findings);
  const associate = compileFields(top["associate"], ["associate"], findings);
  const contact = compileFields(top["contact"], ["contact"], findings);
  const taskFields = compileFields(task["fields"], ["task", "fields"], findings);
  const variables = compileFields(answerSource["variables"], ["answer", "variables"], findings);
  const metadata = compileFields(answerSource["metadata"], ["answer", "metadata"], findings);
  const rules = compileRules(answerSource["rules"], ["answer", "rules"], findings);
  if (!parsed.success || findings.faults.length > 0) throw new ConfigError(reportedFaults(findings));
  const { data } = parsed;
  const when = new Set<string | undefined>(data.task?.when);
  const modes = Object.freeze(
    Object.fromEntries(Object.entries(data.activity).map(([k, v]) => [k, modeOf(v)])),
  );
  const clocks = createClocks();
  const renderingOf = (of: Of): Rendering => ("view" in of ? of : startRendering(of, { clocks }));
  return {
    crm: data.crm,
    render: (view, budget) => startRendering(view, { clocks, ...(budget && { budget }) }),
    activity: (of) => ({ fields: apply(activity, renderingOf(of)), modes }),
    activityFields: activity.map(([name]) => name),
    associate: (of) => (associate.length > 0 ? texts(apply(associate, renderingOf(of))) : undefined),
    associates: associate.map(([name]) => name),
    yields: { activity: yieldsOf(activity), contact: yieldsOf(contact), task: yieldsOf(taskFields) },
    contact: (of) => apply(contact, renderingOf(of)),
    task(of) {
      const rendering = renderingOf(of);
      return data.task && needsTask(rendering.view, when) ? apply(taskFields, rendering) : undefined;
    },
    answer(of) {
      const rendering = renderingOf(of);
      return {
        ...rules(rendering),
        variables: texts(apply(variables, rendering)),
        metadata: apply(metadata, rendering),
      };
    },
    contactFields: [...findings.contactFields.keys()].sort(),
    contactFieldPlaces: findings.contactFields,
  };
}

type CompiledField = [name: string, value: Value];

/** Compiles the valid values, so that a fault of shape does not hide faults of meaning. */
function compileFields(source: unknown, place: string[], findings: Findings): CompiledField[] {
  return Object.entries(membersOf(source)).flatMap(([name, value]): CompiledField[] => {
    // zod skips this name silently.
    if (isFull(findings)) return [];
    if (name === "__proto__")
      addFault(findings, [...place, name], "no field can have this name.", "Rename it.");
    const { from, text } = membersOf(value);
    for (const part of [value, { from }, { text }]) {
      const { success, data } = valueSchema.safeParse(part);
      if (success) return [[name, compileValue(data, [...place, name], findings)]];
    }
    return [];
  });
}

function yieldsOf(fields: readonly CompiledField[]): Yields {
  return Object.fromEntries(fields.map(([name, { yields }]) => [name, yields]));
}

function apply(fields: readonly CompiledField[], rendering: Rendering): Fields {
  const filled: Fields = {};
  for (const [name, { read }] of fields) {
    const value = read(rendering);
    if (value !== undefined) filled[name] = value;
  }
  return filled;
}

/** A caller who withheld the number cannot be called back. */
function needsTask(view: View, when: ReadonlySet<string | undefined>): boolean {
  if (isWithheldCall(view)) return false;
  const { phase, direction, outcome } = view.call;
  if (!phase || !direction || !outcome) return false;
  return isMissed({ phase, direction, outcome }) && when.has(outcome);
}

/** AI platforms accept texts only, and ids are texts. */
function texts(fields: Fields): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
}

function modeOf(source: ValueSource): WriteMode {
  return (typeof source === "object" && source.write) || "always";
}

function membersOf(source: unknown): Readonly<Record<string, unknown>> {
  if (typeof source !== "object" || source === null || Array.isArray(source)) return {};
  return source as Readonly<Record<string, unknown>>;
}

/** The result of the first rule that matches. */
type Ruling = { agentId?: string; reject?: boolean; rule?: string };

type Test = (value: Scalar | undefined) => boolean;

/** Compiles the valid rules; the shape of the others has been reported already. */
function compileRules(
  source: unknown,
  place: readonly PropertyKey[],
  findings: Findings,
): (rendering: Rendering) => Ruling {
  const rules = (Array.isArray(source) ? source : []).flatMap((rule: unknown, index) => {
    const parsed = ruleSchema.safeParse(rule);
    return parsed.success ? [compileRule(parsed.data, [...place, index], findings)] : [];
  });
  return (rendering) => rules.find(({ holds }) => holds(rendering))?.ruling ?? {};
}

function compileRule(
  { name, if: conditions, agent, reject }: RuleSource,
  place: readonly PropertyKey[],
  findings: Findings,
) {
  const tests = Object.entries(conditions).map(([path, condition]) => {
    const at = [...place, "if", path];
    const read = compilePath(path, at, findings);
    const test = compileCondition(path, condition, at, findings);
    return (rendering: Rendering) => test(read(rendering));
  });
  const ruling: Ruling = { rule: name, ...(agent && { agentId: agent }), ...(reject && { reject: true }) };
  return { ruling, holds: (rendering: Rendering) => tests.every((test) => test(rendering)) };
}

/** Values are compared as texts: one CRM says `true`, another says `"true"`. */
function compileCondition(
  path: string,
  condition: ConditionSource,
  at: readonly PropertyKey[],
  findings: Findings,
): Test {
  if (typeof condition === "object" && !Array.isArray(condition)) {
    return (value) => (value !== undefined) === condition.exists;
  }
  const constants = Array.isArray(condition) ? condition : [condition];
  for (const constant of constants) checkConstant(path, constant, at, findings);
  const accepted = new Set(constants.map(String));
  return (value) => value !== undefined && accepted.has(String(value));
}
