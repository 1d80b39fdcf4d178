import type { Scalar } from "../core/call.ts";
import type { Rendering } from "./rendering.ts";
import { type ConditionSource, type RuleSource, ruleSchema } from "./schema.ts";
import { checkConstant, compilePath, type Findings } from "./value.ts";

/** What the first rule that holds says. */
export type Ruling = { agentId?: string; reject?: boolean; rule?: string };

type Test = (value: Scalar | undefined) => boolean;

/** Compiles the sound rules; what is wrong with the shape of the others has been reported already. */
export function compileRules(
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
