import type { FollowUp, FollowUpStanding } from "../../src/core/contracts.ts";
import type { CrmError } from "../../src/core/errors.ts";
import { readRecords } from "./look-back.ts";
import { comparable, type Properties } from "./properties.ts";
import { type BatchRow, type Stored, writeRows } from "./rows.ts";
import type { Portal } from "./schema.ts";
import type { DescribedRequest, Transport } from "./transport.ts";

type TaskTools = { transport: Transport; portal: Portal };
type TaskUpdate = { id: string; properties: Record<string, string> };

const status = "hs_task_status";
const completed = "COMPLETED";

/** How follow-up tasks stand, all of them in one request per 100. Archived ones count as done. */
export async function tasks(
  { transport, portal }: TaskTools,
  given: readonly FollowUp[],
  asking: DescribedRequest,
): Promise<Map<string, FollowUpStanding>> {
  if (given.length === 0) return new Map();
  const known = await portal.properties("tasks", asking.signal);
  const names = [...new Set([status, ...given.flatMap(({ wrote }) => Object.keys(wrote))])];
  const ids = given.map(({ id }) => id);
  const found = await readRecords(transport, ids, { type: "tasks", by: "id", properties: names }, asking);
  return new Map(given.map((task) => [task.id, standingOf(task, found.get(task.id), known)]));
}

/** Closes those that are open and unchanged. */
export async function closeTasks(
  tools: TaskTools,
  given: readonly FollowUp[],
  asking: DescribedRequest,
): Promise<Map<string, "closed" | "touched" | "done" | CrmError>> {
  const results = new Map<string, "closed" | "touched" | "done" | CrmError>();
  const rows: BatchRow<TaskUpdate>[] = [];
  for (const [id, standing] of await tasks(tools, given, asking)) {
    if (standing !== "open") results.set(id, standing);
    else rows.push({ ref: id, input: { id, properties: { [status]: completed } } });
  }
  const answers = await writeRows(
    rows,
    (inputs) =>
      tools.transport.ask(asking, (client) => client.crm.objects.batchApi.update("tasks", { inputs })),
    { refOf: ({ id }) => id },
  );
  for (const [id, answer] of answers) results.set(id, "stored" in answer ? "closed" : answer.failed);
  return results;
}

function standingOf({ wrote }: FollowUp, stored: Stored | undefined, known: Properties): FollowUpStanding {
  if (!stored || stored.properties[status] === completed) return "done";
  const isSame = Object.entries(wrote).every(([name, value]) => {
    const property = known.get(name);
    return comparable(property, stored.properties[name] ?? "") === comparable(property, value);
  });
  return isSame ? "open" : "touched";
}
