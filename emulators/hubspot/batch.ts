import type { EmulatorReply } from "../contract.ts";
import { type ApiVersion, bodyOf, type CrmRequest } from "./crm-route.ts";
import type { Portal } from "./portal.ts";
import { invalid, type Problem, problemReply, refuse } from "./refusals.ts";

export type Row = Record<string, unknown>;

/** A checked row: why it fails, or how to do it. `trace` is the row's own `objectWriteTraceId`. */
export type RowPlan = { problem: Problem } | { apply(): Record<string, unknown> };

const mostRows = 100;

/** The rows of a batch; refuses an absent, empty or too long list. */
export function rowsOf(request: CrmRequest, most = mostRows): Row[] {
  const { inputs } = bodyOf(request);
  if (!Array.isArray(inputs)) {
    throw refuse(invalid("Invalid input JSON: Some required fields were not set: [inputs]"));
  }
  if (inputs.length === 0) throw refuse(invalid("The input list must not be empty."));
  if (inputs.length > most) {
    throw refuse(invalid(`The maximum number of inputs supported in a batch request is ${most}`));
  }
  return inputs.map((row: unknown) => {
    if (typeof row === "object" && row !== null) return row as Row;
    throw refuse(invalid("Invalid input JSON: an input is not an object"));
  });
}

/** Refuses a batch that names one record twice. */
export function refuseDuplicates(ids: readonly string[]): void {
  const twice = [...new Set(ids.filter((id, place) => ids.indexOf(id) !== place))];
  if (twice.length === 0) return;
  const message = `Duplicate IDs found in batch input: [${twice.join(", ")}]. IDs must be unique`;
  throw refuse(invalid(message, { context: { ids: twice } }));
}

/**
 * Writes a batch. A row can only fail alone when every row has its own trace id; otherwise one bad row
 * fails all of them and nothing is written.
 */
export function writeBatch(
  portal: Portal,
  request: CrmRequest,
  success: 200 | 201,
  plan: (row: Row) => RowPlan,
): EmulatorReply {
  const rows = rowsOf(request);
  const traces = rows.map((row) => row["objectWriteTraceId"]);
  const traced =
    traces.every((trace) => typeof trace === "string" && trace !== "") &&
    new Set(traces).size === rows.length;
  const planned = rows.map((row) => ({ trace: row["objectWriteTraceId"], plan: plan(row) }));
  const results: Record<string, unknown>[] = [];
  const errors: object[] = [];
  for (const { trace, plan } of planned) {
    if (!("problem" in plan)) continue;
    if (!traced) {
      const status = plan.problem.status === 404 ? 400 : plan.problem.status;
      return problemReply({ ...plan.problem, status });
    }
    errors.push(rowError(plan.problem, { objectWriteTraceId: [String(trace)] }));
  }
  for (const { trace, plan } of planned) {
    if ("problem" in plan) continue;
    const echo = trace === undefined ? {} : { objectWriteTraceId: trace };
    results.push({ ...plan.apply(), ...echo });
  }
  return batchReply(portal, request.version, success, results, errors);
}

export function rowError(problem: Problem, context: Record<string, string[]> = {}): object {
  const { category, message, subCategory } = problem;
  return {
    status: "error",
    category,
    ...(subCategory ? { subCategory } : {}),
    message,
    context: { ...problem.context, ...context },
    errors: problem.errors ?? [],
    links: {},
  };
}

/** 207 tells of errors, except in 2026-09, where they are inside an ordinary answer. Results are in no order. */
export function batchReply(
  portal: Portal,
  version: ApiVersion,
  success: number,
  results: Record<string, unknown>[],
  errors: object[],
  partial = 207,
): EmulatorReply {
  const at = new Date(portal.now()).toISOString();
  return {
    status: errors.length > 0 && version !== "2026-09" ? partial : success,
    body: {
      status: "COMPLETE",
      results: portal.shuffle(results),
      ...(errors.length > 0 ? { numErrors: errors.length, errors } : {}),
      startedAt: at,
      completedAt: at,
    },
  };
}
