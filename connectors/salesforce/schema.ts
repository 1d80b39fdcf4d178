import type { Connection, Field as JsforceField } from "jsforce";
import { CrmError } from "../../src/core/errors.ts";
import { textAt } from "../../src/lib/body.ts";
import { createCache } from "../../src/lib/patterns.ts";
import { hasFault } from "./errors.ts";
import { type OrgTransport, queryAll, type RequestOptions } from "./transport.ts";

export type ObjectName = "Task" | "Contact" | "Lead" | "Account";

/** A field as the org describes it. */
export type ObjectField = Pick<
  JsforceField,
  "name" | "type" | "length" | "createable" | "updateable" | "restrictedPicklist" | "externalId"
> & { options: Option[] };
export type Option = {
  value: string;
  label: string;
  active: boolean;
  isDefault: boolean;
  /** Whether a Task with this Status is closed, where the org says so. */
  closed: boolean;
};

/** The fields of an object by name; none when the user may not see the object. */
export type ObjectFields = ReadonlyMap<string, ObjectField>;

/** The org's objects, described once an hour. */
export type OrgSchema = {
  of(object: ObjectName, request: RequestOptions): Promise<ObjectFields>;
  /** The org refused something that it describes: it is described again. Returns whether the schema was old enough to be wrong. */
  forget(): boolean;
};

/** A schema younger than this is not outdated. */
const freshMs = 60_000;

export function createSchema(transport: OrgTransport, now: () => number): OrgSchema {
  const cache = createCache<ObjectName, ObjectFields>(now);
  return {
    of: (object, { priority }) =>
      cache.get(object, async () => describe(await transport.open({ priority }), object)),
    forget: () => cache.forget(freshMs),
  };
}

async function describe(connection: Connection, object: ObjectName): Promise<ObjectFields> {
  try {
    const { fields: found } = await connection.describe(object);
    const fields = new Map(found.map((field) => [field.name, { ...field, options: optionsOf(field) }]));
    const status = object === "Task" ? fields.get("Status") : undefined;
    return status ? new Map([...fields, ["Status", await withClosed(connection, status)]]) : fields;
  } catch (error) {
    const isHidden = error instanceof CrmError && hasFault(error, "NOT_FOUND", "INVALID_TYPE");
    if (isHidden && object !== "Task") return new Map();
    throw error;
  }
}

/** In an org without the status "Completed", TaskStatus says which of its statuses are closed. */
async function withClosed(connection: Connection, status: ObjectField): Promise<ObjectField> {
  if (status.options.some(({ active, closed, value }) => active && (closed || value === "Completed")))
    return status;
  // Not every kind of user may read TaskStatus: without it the org's default status is used.
  const closed = await queryAll(connection, "SELECT ApiName FROM TaskStatus WHERE IsClosed = true").catch(
    () => [],
  );
  const names = new Set(closed.map((one) => textAt(one, "ApiName")));
  return {
    ...status,
    options: status.options.map((option) => ({ ...option, closed: names.has(option.value) })),
  };
}

function optionsOf({ picklistValues }: JsforceField): Option[] {
  return (picklistValues ?? []).map((option) => ({
    value: String(option.value),
    label: String(option.label ?? option.value),
    active: option.active !== false,
    isDefault: option.defaultValue === true,
    closed: option.closed === true,
  }));
}

/** The field with a call's key: under the name in the settings, or with the namespace of a managed package. */
export function keyFieldIn(fields: ObjectFields, keyField: string): string | undefined {
  const found =
    fields.get(keyField) ?? [...fields.values()].find(({ name }) => name.endsWith(`__${keyField}`));
  return found?.externalId ? found.name : undefined;
}
