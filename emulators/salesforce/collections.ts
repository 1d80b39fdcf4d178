import type { EmulatorReply, EmulatorRequest, Route } from "../server.ts";
import { answerRow } from "./answer-row.ts";
import {
  failed,
  notFoundMessage,
  type RowError,
  type RowResult,
  refuse,
  restError,
  rowError,
} from "./errors.ts";
import { resolvePath } from "./field-path.ts";
import { fullId } from "./ids.ts";
import {
  allowsDuplicates,
  createLocked,
  deleteLocked,
  updateLocked,
  upsertLocked,
  upsertTarget,
} from "./locked-writes.ts";
import type { Lock, Locks } from "./locks.ts";
import type { ObjectType } from "./objects.ts";
import type { Org } from "./org.ts";
import type { Input, WriteOptions } from "./write.ts";

/** A record of a collection, with the object that its attributes name. */
type Item = { type: ObjectType; record: Input };

const mostRecords = 200;
const mostReads = 2000;

/** `/composite/sobjects`: many records in one request, each with its own result, in the order they came in. */
export function collectionRoutes(org: Org, locks: Locks): Route[] {
  const path = /\/services\/data\/v(\d+\.\d)\/composite\/sobjects\/?/;
  const typed = /\/services\/data\/v(\d+\.\d)\/composite\/sobjects\/(\w+)\/?/;
  const keyed = /\/services\/data\/v(\d+\.\d)\/composite\/sobjects\/(\w+)\/(\w+)\/?/;
  return [
    { method: "POST", path, kind: "create", handle: since(42, create) },
    { method: "PATCH", path, kind: "update", handle: since(42, update) },
    { method: "DELETE", path, kind: "delete", handle: since(42, remove) },
    { method: "PATCH", path: keyed, kind: "upsert", handle: since(46, upsert) },
    { method: "POST", path: typed, kind: "read", handle: since(42, read) },
  ];

  function create(request: EmulatorRequest): Promise<EmulatorReply> {
    return perform(request, ({ type, record }, options, lock) =>
      createLocked(org, type, record, options, lock),
    );
  }

  function update(request: EmulatorRequest): Promise<EmulatorReply> {
    const seen = new Set<string>();
    return perform(request, ({ type, record }, _options, lock) => {
      const sent = record["id"] ?? record["Id"];
      if (typeof sent !== "string") {
        return failed(rowError("MISSING_ARGUMENT", "Id not specified in an update call"));
      }
      const id = idOfType(type, sent);
      if (!id) return failed(malformedId(sent));
      // unverified: the code; Apex refuses the list in these words.
      if (seen.has(id)) return failed(rowError("DUPLICATE_VALUE", "Duplicate id in list", ["Id"]));
      seen.add(id);
      return updateLocked(org, type, id, record, lock);
    });
  }

  function upsert(request: EmulatorRequest): Promise<EmulatorReply> {
    const { type, key } = upsertTarget(org, request.params[1], request.params[2]);
    const seen = new Set<string>();
    return perform(request, ({ type: own, record }, options, lock) => {
      if (own !== type) {
        return failed(rowError("INVALID_TYPE", `The type of the record is not ${type.name}`));
      }
      const value = record[key] ?? record[Object.keys(record).find((name) => same(name, key)) ?? ""];
      if (typeof value !== "string" || value === "") {
        return failed(rowError("MISSING_ARGUMENT", `${key} not specified`));
      }
      // unverified: what the collections resource does with a key that comes twice; Apex refuses it in these words.
      if (seen.has(value)) {
        return failed(rowError("DUPLICATE_VALUE", `Duplicate external id specified: ${value}`, [key]));
      }
      seen.add(value);
      if (Object.keys(record).some((name) => same(name, "Id"))) {
        return failed(rowError("INVALID_FIELD", "The Id field should not be specified in the sobject data."));
      }
      return upsertLocked(org, type, key, value, record, options, lock);
    });
  }

  async function remove(request: EmulatorRequest): Promise<EmulatorReply> {
    const ids = (request.query.get("ids") ?? "").split(",").filter((id) => id !== "");
    if (ids.length > mostRecords) refuseTooMany(mostRecords);
    const lock = locks.open();
    const results = inOne(org, request.query.get("allOrNone") === "true", ids, (sent) => {
      const id = fullId(sent);
      const found = id ? org.record(id) : undefined;
      if (!id) return failed(malformedId(sent));
      if (!found) return failed(rowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"));
      return deleteLocked(org, found.type, found.row, lock);
    });
    await lock.release();
    return { status: 200, body: results };
  }

  /** Records by their ids; null for those that are not there. */
  function read({ body, params }: EmulatorRequest): EmulatorReply {
    const [version = "", name = ""] = params;
    const type = org.type(name) ?? refuse(404, "NOT_FOUND", notFoundMessage);
    const { ids, fields } = (body ?? {}) as { ids?: unknown; fields?: unknown };
    if (!Array.isArray(ids) || !Array.isArray(fields)) {
      return refuse(400, "JSON_PARSER_ERROR", "The request has no ids or no fields at [line:1, column:1]");
    }
    if (ids.length > mostReads) refuseTooMany(mostReads);
    const paths = fields.map((field) => resolvePath(org, type, String(field), String(field)));
    const records = ids.map((sent) => {
      const id = idOfType(type, String(sent)) ?? refuse(400, "MALFORMED_ID", `malformed id ${sent}`);
      const row = org.table(type.name).get(id);
      return row && row["IsDeleted"] !== true ? answerRow(org, version, type.name, row, paths) : null;
    });
    return { status: 200, body: records };
  }

  async function perform(
    request: EmulatorRequest,
    write: (item: Item, options: WriteOptions, lock: Lock) => RowResult,
  ): Promise<EmulatorReply> {
    const { items, allOrNone } = readCollection(org, request.body);
    const lock = locks.open();
    const options = { allowDuplicates: allowsDuplicates(request) };
    const results = inOne(org, allOrNone, items, (item) => write(item, options, lock));
    await lock.release();
    const unread = results.flatMap(({ errors }) => errors).find(isParseError);
    if (unread && org.settings.parseErrors === "request") {
      return restError(400, unread.statusCode, unread.message);
    }
    return { status: 200, body: results.map(withoutTwins) };
  }
}

/** Older versions of the API do not know the resource. */
function since(version: number, handle: Route["handle"]): Route["handle"] {
  return (request) =>
    Number(request.params[0]) >= version ? handle(request) : restError(404, "NOT_FOUND", notFoundMessage);
}

/** Refuses the request as a whole before anything of it is written. */
function readCollection(org: Org, body: unknown): { items: Item[]; allOrNone: boolean } {
  const { records, allOrNone } = (body ?? {}) as { records?: unknown; allOrNone?: unknown };
  if (!Array.isArray(records) || records.some((one) => typeof one !== "object" || one === null)) {
    refuse(400, "JSON_PARSER_ERROR", "The request body has no list of records at [line:1, column:1]");
  }
  if (records.length > mostRecords) refuseTooMany(mostRecords);
  const items = records.map((record: Input) => ({ type: typeOf(org, record), record }));
  return { items, allOrNone: allOrNone === true };
}

function refuseTooMany(most: number): never {
  refuse(
    400,
    "EXCEEDED_ID_LIMIT",
    `record limit reached. cannot submit more than ${most} records in this call`,
  );
}

function isParseError({ statusCode, message }: RowError): boolean {
  return (
    statusCode === "JSON_PARSER_ERROR" || (statusCode === "INVALID_FIELD" && message.startsWith("No such"))
  );
}

/** With `allOrNone`, one bad record takes all the others back. */
function inOne<T>(
  org: Org,
  allOrNone: boolean,
  items: readonly T[],
  write: (item: T) => RowResult,
): RowResult[] {
  let results: RowResult[] = [];
  org.atomically(() => {
    results = items.map(write);
    return !allOrNone && !hasParseError(org, results) ? true : results.every(({ success }) => success);
  });
  if (!allOrNone || results.every(({ success }) => success)) return results;
  const rolledBack = rowError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
  );
  return results.map((result) => (result.success ? failed(rolledBack) : result));
}

function hasParseError(org: Org, results: RowResult[]): boolean {
  return org.settings.parseErrors === "request" && results.some(({ errors }) => errors.some(isParseError));
}

function typeOf(org: Org, record: Input): ObjectType {
  const { type: name } = (record["attributes"] ?? {}) as { type?: unknown };
  if (typeof name !== "string") {
    return refuse(400, "INVALID_TYPE", "Type is missing from the attributes of a record");
  }
  return org.type(name) ?? refuse(400, "INVALID_TYPE", `sObject type '${name}' is not supported.`);
}

function idOfType(type: ObjectType, sent: string): string | undefined {
  const id = fullId(sent);
  return id?.startsWith(type.keyPrefix) ? id : undefined;
}

function malformedId(id: string): RowError {
  return rowError("MALFORMED_ID", `Record ID: id value of incorrect type: ${id}`, ["Id"]);
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** unverified: that a collection does not say which records a duplicate rule found, as a request for one does. */
function withoutTwins(result: RowResult): RowResult {
  return { ...result, errors: result.errors.map(({ duplicateResult: _, ...error }) => error) };
}
