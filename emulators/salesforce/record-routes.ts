import type { EmulatorReply, EmulatorRequest, Route } from "../server.ts";
import { type AnswerRow, answerRow, wholeRow } from "./answer-row.ts";
import { notFoundMessage, type RowResult, refuse, replyOfErrors, restError, twinReply } from "./errors.ts";
import type { Row } from "./field.ts";
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
import type { Locks } from "./locks.ts";
import type { ObjectType } from "./objects.ts";
import type { Org } from "./org.ts";
import type { Input } from "./write.ts";

const firstVersionThatTellsOfUpserts = 46;

/** `/sobjects/{Type}/...`: one record in one request. */
export function recordRoutes(org: Org, locks: Locks): Route[] {
  const base = "/services/data/v(\\d+\\.\\d)/sobjects/(\\w+)";
  const one = new RegExp(`${base}/(\\w{15,18})/?`);
  const byKey = new RegExp(`${base}/(\\w+)/([^/]+)/?`);
  return [
    { method: "POST", path: new RegExp(`${base}/?`), kind: "create", handle: create },
    { method: "GET", path: one, kind: "read", handle: (request) => read(request, found(request).row) },
    { method: "PATCH", path: one, kind: "update", handle: update },
    { method: "DELETE", path: one, kind: "delete", handle: remove },
    { method: "GET", path: byKey, kind: "read", handle: (request) => read(request, foundByKey(request)) },
    { method: "PATCH", path: byKey, kind: "upsert", handle: upsert },
  ];

  async function create(request: EmulatorRequest): Promise<EmulatorReply> {
    const type = typeOf(request);
    const lock = locks.open();
    const options = { allowDuplicates: allowsDuplicates(request) };
    const result = createLocked(org, type, inputOf(request), options, lock);
    await lock.release();
    return result.success ? { status: 201, body: result } : errorsOf(result);
  }

  async function update(request: EmulatorRequest): Promise<EmulatorReply> {
    const { type, row } = found(request);
    const lock = locks.open();
    const result = updateLocked(org, type, row.Id, inputOf(request), lock);
    await lock.release();
    return result.success ? { status: 204 } : replyOfErrors(result.errors);
  }

  async function remove(request: EmulatorRequest): Promise<EmulatorReply> {
    const { type, row } = found(request);
    const lock = locks.open();
    const { errors } = deleteLocked(org, type, row, lock);
    await lock.release();
    return errors.length === 0 ? { status: 204 } : replyOfErrors(errors);
  }

  async function upsert(request: EmulatorRequest): Promise<EmulatorReply> {
    const { type, key, value } = keyOf(request);
    const record: Input = { ...inputOf(request) };
    if (Object.keys(record).some((name) => name.toLowerCase() === key.toLowerCase())) {
      refuse(400, "INVALID_FIELD", `The ${key} field should not be specified in the sobject data.`);
    }
    const lock = locks.open();
    const options = { allowDuplicates: allowsDuplicates(request) };
    const result = upsertLocked(org, type, key, value, { ...record, [key]: value }, options, lock);
    await lock.release();
    if (!result.success) return errorsOf(result);
    if (result.created) return { status: 201, body: result };
    const isTold = Number(request.params[0]) >= firstVersionThatTellsOfUpserts;
    return isTold ? { status: 200, body: result } : { status: 204 };
  }

  function read(request: EmulatorRequest, row: Row): EmulatorReply {
    const [version = "", name = ""] = request.params;
    const fields = request.query.get("fields")?.split(",");
    const type = typeOf(request);
    const paths = fields?.map((field) => resolvePath(org, type, field.trim(), field));
    const answer: AnswerRow = paths ? answerRow(org, version, name, row, paths) : wholeRow(org, version, row);
    return { status: 200, body: answer };
  }

  function errorsOf({ errors }: RowResult): EmulatorReply {
    const twin = errors.find(({ statusCode }) => statusCode === "DUPLICATES_DETECTED");
    return twin ? twinReply(twin) : replyOfErrors(errors);
  }

  function typeOf(request: EmulatorRequest): ObjectType {
    return org.type(request.params[1] ?? "") ?? refuse(404, "NOT_FOUND", notFoundMessage);
  }

  function found(request: EmulatorRequest): { type: ObjectType; row: Row } {
    const type = typeOf(request);
    const id = fullId(request.params[2] ?? "");
    const row = id?.startsWith(type.keyPrefix) ? org.table(type.name).get(id) : undefined;
    if (!row) {
      const message = `Provided external ID field does not exist or is not accessible: ${request.params[2]}`;
      return refuse(404, "NOT_FOUND", message);
    }
    if (row["IsDeleted"] === true) refuse(404, "ENTITY_IS_DELETED", "entity is deleted", []);
    return { type, row };
  }

  function keyOf(request: EmulatorRequest): { type: ObjectType; key: string; value: string } {
    const [, typeName, fieldName, value = ""] = request.params;
    return { ...upsertTarget(org, typeName, fieldName), value };
  }

  function foundByKey(request: EmulatorRequest): Row {
    const { type, key, value } = keyOf(request);
    const [row] = org.table(type.name).lookup(key, value) ?? [];
    return row ?? refuse(404, "NOT_FOUND", notFoundMessage);
  }
}

function inputOf({ body }: EmulatorRequest): Input {
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return body as Input;
  return refuse(400, "JSON_PARSER_ERROR", "The request body is not a record at [line:1, column:1]");
}

/** For paths that Salesforce has and the emulator does not. */
export function unknownPath(): EmulatorReply {
  return restError(404, "NOT_FOUND", notFoundMessage);
}
