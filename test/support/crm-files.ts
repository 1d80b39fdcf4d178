import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { activitiesBeside } from "../../connectors/local/index.ts";

type Rows = Record<string, unknown>[];
type CrmContent = { contacts: Rows; owners: Rows; activities: Rows; tasks?: Rows };

/** What a person sees in the two files of a local CRM, in the order of the ids; a task has its call as `key`. */
export function readCrm<Content extends object = CrmContent>(path: string): Content {
  const { activities: old = [], tasks: oldTasks = [], ...others } = JSON.parse(readFileSync(path, "utf8"));
  const rows = new Map<string, Record<string, unknown>>();
  const tasks = new Map<string, Record<string, unknown>>(
    oldTasks.map((task: { id: string }) => [task.id, task]),
  );
  for (const row of old) rows.set(String(row.key ?? row.id), row);
  for (const row of linesOf(path)) {
    const { taskFor, id, ...fields } = row;
    if (taskFor !== undefined) tasks.set(String(id), { id, key: taskFor, ...fields });
    else rows.set(String(row["key"] ?? id), row);
  }
  const hasTasks = tasks.size > 0 || others.tasks;
  const activities = [...rows.values()].toSorted((a, b) => Number(a["id"]) - Number(b["id"]) || 0);
  return { ...others, activities, ...(hasTasks && { tasks: [...tasks.values()] }) };
}

/** What a person does in an editor: each file that differs is saved. */
export function writeCrm(
  path: string,
  content: { contacts?: readonly object[]; activities?: readonly unknown[]; tasks?: readonly object[] },
): void {
  const { activities = [], tasks = [], ...others } = content;
  const json = JSON.stringify(others);
  if (!existsSync(path) || readFileSync(path, "utf8") !== json) writeFileSync(path, json);
  const rows = [
    ...activities.filter((row) => row !== undefined),
    ...(tasks as Rows).map(({ id, key, ...fields }) => ({ id, taskFor: key, ...fields })),
  ].map((row) => JSON.stringify(row));
  const before = linesOf(path).map((row) => JSON.stringify(row));
  if (JSON.stringify(rows.toSorted()) !== JSON.stringify(before.toSorted()))
    writeFileSync(activitiesBeside(path), rows.map((row) => `${row}\n`).join(""));
}

function linesOf(path: string): Rows {
  const file = activitiesBeside(path);
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .flatMap((line) => {
      try {
        const row: unknown = JSON.parse(line);
        return row instanceof Object && "id" in row ? [row as Record<string, unknown>] : [];
      } catch {
        return [];
      }
    });
}
