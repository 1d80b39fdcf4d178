import type { EmulatorReply, EmulatorRequest, Route } from "../server.ts";
import { notFoundMessage, refuse } from "./errors.ts";
import type { Row } from "./field.ts";
import type { ObjectType } from "./objects.ts";
import { type Org, stampOf } from "./org.ts";
import { readDatetime } from "./read-values.ts";

const minuteMs = 60_000;
const windowMs = 30 * 86_400_000;
const mostIds = 600_000;

/** `/deleted` and `/updated`: which records changed between two times. */
export function changesRoutes(org: Org): Route[] {
  const path = (name: string) => new RegExp(`/services/data/v(\\d+\\.\\d)/sobjects/(\\w+)/${name}/?`);
  return [
    { method: "GET", path: path("deleted"), kind: "deleted", handle: deleted },
    { method: "GET", path: path("updated"), kind: "updated", handle: updated },
  ];

  function deleted(request: EmulatorRequest): EmulatorReply {
    const { type, start, end } = span(request);
    const rows = [...org.table(type.name).stored()].filter(
      (row) => row["IsDeleted"] === true && isWithin(row, start, end),
    );
    const deletedRecords = rows.map((row) => ({
      id: row.Id,
      deletedDate: wire(String(row["SystemModstamp"])),
    }));
    const earliestDateAvailable = wire(stampOf(org.now() - windowMs));
    return { status: 200, body: { deletedRecords, earliestDateAvailable, latestDateCovered: covered(end) } };
  }

  function updated(request: EmulatorRequest): EmulatorReply {
    const { type, start, end } = span(request);
    const table = org.table(type.name);
    const rows: Row[] = [...table.stored()];
    for (let n = 0; n < (table.procedural?.size ?? 0); n++) {
      const row = table.procedural?.at(n);
      if (row && !table.keeps(row.Id) && isWithin(row, start, end)) rows.push(row);
    }
    const ids = rows
      .filter((row) => row["IsDeleted"] !== true && isWithin(row, start, end))
      .map(({ Id }) => Id);
    if (ids.length > mostIds) refuse(400, "EXCEEDED_ID_LIMIT", "Too many records in the time span");
    return { status: 200, body: { ids, latestDateCovered: covered(end) } };
  }

  function span(request: EmulatorRequest): { type: ObjectType; start: string; end: string } {
    const type = org.type(request.params[1] ?? "") ?? refuse(404, "NOT_FOUND", notFoundMessage);
    const [start, end] = [minuteOf(request, "start"), minuteOf(request, "end")];
    if (Date.parse(end) - Date.parse(start) < minuteMs) {
      refuse(400, "INVALID_REPLICATION_DATE", "endDate must be at least one minute greater than startDate");
    }
    if (Date.parse(start) < org.now() - windowMs) {
      refuse(400, "INVALID_REPLICATION_DATE", "startDate before org replication enabled date");
    }
    return { type, start, end };
  }

  /** Nothing is known of the time that has not come yet. */
  function covered(end: string): string {
    const now = stampOf(Math.floor(org.now() / minuteMs) * minuteMs);
    return wire(end < now ? end : now);
  }
}

/** A time of the query; Salesforce ignores its seconds. */
function minuteOf(request: EmulatorRequest, name: string): string {
  const text = request.query.get(name)?.replace(/ (?=\d{2}:?\d{2}$)/, "+") ?? "";
  const time = readDatetime(text);
  if (!time) return refuse(400, "INVALID_REPLICATION_DATE", `${name} is not a valid date and time: ${text}`);
  return stampOf(Math.floor(Date.parse(time) / minuteMs) * minuteMs);
}

function isWithin(row: Row, start: string, end: string): boolean {
  const stamp = String(row["SystemModstamp"]);
  return stamp >= start && stamp < end;
}

function wire(stamp: string): string {
  return stamp.replace(/Z$/, "+0000");
}
