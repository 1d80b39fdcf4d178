import type { Field, Row, Value } from "./field.ts";
import type { Org } from "./org.ts";

/** A record's value as one reads it: some fields are worked out only then. */
export function readField(org: Org, row: Row, field: Field): Value {
  if (field.name !== "LastActivityDate") return row[field.name] ?? null;
  const dates = (org.table("Task").lookup("WhoId", row.Id) ?? []).flatMap((task) => {
    const date = task["ActivityDate"];
    return task["IsClosed"] === true && typeof date === "string" ? [date] : [];
  });
  return dates.sort().at(-1) ?? null;
}
