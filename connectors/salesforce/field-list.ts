import type { FieldDescription, FieldDescriptions } from "../../src/core/contracts.ts";
import { personObjects } from "./people.ts";
import type { ObjectField, ObjectFields, OrgSchema } from "./schema.ts";
import type { RequestOptions } from "./transport.ts";

const ask: RequestOptions = { priority: "sync" };

const types: Record<string, FieldDescription["type"]> = {
  int: "number",
  long: "number",
  double: "number",
  currency: "number",
  percent: "number",
  boolean: "boolean",
  date: "date",
  datetime: "datetime",
};

/** The fields that a mapping may name. An unknown caller becomes a Lead or a Contact, so it may have the fields of both. */
export async function fieldList(schema: OrgSchema): Promise<FieldDescriptions> {
  const [task, ...people] = await Promise.all([
    schema.of("Task", ask),
    ...personObjects.map((object) => schema.of(object, ask)),
  ]);
  const [contact, lead] = people;
  const activity = descriptions(task ?? new Map());
  return {
    activity,
    task: activity,
    contact: descriptions(new Map([...(contact ?? []), ...(lead ?? [])])),
    readable: [...new Set(people.flatMap((fields) => [...fields.keys()]))],
  };
}

function descriptions(fields: ObjectFields): FieldDescription[] {
  return [...fields.values()].map((field) => {
    const options = optionsOf(field);
    return {
      name: field.name,
      type: options ? "picklist" : (types[field.type] ?? "string"),
      writable: field.createable || field.updateable,
      ...(options && { options }),
    };
  });
}

/** Only a restricted picklist refuses other values. */
function optionsOf({ type, restrictedPicklist, options }: ObjectField): string[] | undefined {
  if (!restrictedPicklist || !/picklist$/.test(type)) return undefined;
  const active = options.filter((option) => option.active);
  return [...new Set(active.flatMap(({ value, label }) => [value, label]))];
}
