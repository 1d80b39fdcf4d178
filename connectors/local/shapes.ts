import { z } from "zod";
import { type Contact, contactKinds, type Owner } from "../../src/core/contact.ts";
import { isoFromMs, type JsonObject, textAt } from "../../src/lib/body.ts";
import { isScalar } from "./record.ts";

export const lists = ["contacts", "owners", "activities", "tasks"] as const;
export type List = (typeof lists)[number];

const id = z.union([z.string().min(1), z.number()], { error: 'expected an id, e.g. "12"' });
const kind = z.enum(contactKinds, { error: 'expected "contact", "lead" or "company"' });
const phone = z.union([z.string(), z.number()], { error: "expected a phone number in double quotes" });
const phones = z.array(phone, { error: 'expected a list of phone numbers, e.g. ["+31612345678"]' });
const key = z.string({ error: "expected the key of a call, a text" });

/** The members that a record needs; people may add others. */
export const shapes = {
  contacts: z.looseObject({ id, kind: kind.nullish(), phones: phones.nullish() }),
  owners: z.looseObject({ id }),
  activities: z.looseObject({ id, key: key.nullish() }),
  tasks: z.looseObject({ id, key: key.nullish() }),
} satisfies Record<List, z.ZodType>;

const contactMembers = new Set([
  "id",
  "kind",
  "name",
  "email",
  "company",
  "ownerId",
  "phones",
  "activeAt",
  "__proto__",
]);

/** A contact of the file in the words of the core. */
export function contactOf(record: JsonObject): Contact {
  const activeAt = isoOf(textAt(record, "activeAt") ?? textAt(record, "updatedAt"));
  const others = Object.entries(record).flatMap(([name, value]): [string, Contact["fields"][string]][] =>
    !contactMembers.has(name) && isScalar(value) ? [[name, value]] : [],
  );
  return {
    id: String(record["id"]),
    kind: contactKinds.find((name) => name === record["kind"]) ?? "contact",
    ...texts(record, ["name", "email", "company", "ownerId"]),
    phones: Array.isArray(record["phones"]) ? record["phones"].map(String) : [],
    ...(activeAt && { activeAt }),
    fields: Object.fromEntries(others),
  };
}

export function ownerOf(record: JsonObject): Owner {
  const left = record["left"] === true && { left: true as const };
  return { id: String(record["id"]), ...texts(record, ["name", "email"]), ...left };
}

function texts<N extends string>(record: JsonObject, names: readonly N[]): { [name in N]?: string } {
  const found: { [name in N]?: string } = {};
  for (const name of names) {
    const value = textAt(record, name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** A date as people write it, `2026-11-02`, or one with a time. */
function isoOf(text: string | undefined): string | undefined {
  return text && /^\d{4}-\d\d-\d\d/.test(text) ? isoFromMs(Date.parse(text)) : undefined;
}
