import { defaultTypeId, oppositeTypeId } from "./links.ts";
import { findRecord, type Portal } from "./portal.ts";
import { invalid, type Problem } from "./refusals.ts";
import { type ObjectType, objectTypes } from "./types.ts";
import { rewrite } from "./writing.ts";

type InlineLink = { to: { id: string }; types: { associationTypeId: number }[] };

/** What is wrong with the `associations` of a new record, if anything. */
export function checkLinks(portal: Portal, type: ObjectType, sent: unknown): Problem | undefined {
  if (sent === undefined || sent === null) return undefined;
  if (!Array.isArray(sent)) return invalid("Invalid input JSON: associations is not a list");
  for (const link of sent as InlineLink[]) {
    const id = link?.to?.id === undefined ? undefined : String(link.to.id);
    if (id === undefined || !Array.isArray(link.types) || link.types.length === 0) {
      return invalid("Invalid input JSON: an association needs `to` and `types`");
    }
    for (const { associationTypeId } of link.types) {
      const to = targetOf(type, Number(associationTypeId));
      if (!to) return invalid(`No association type with id ${associationTypeId} exists for ${type}`);
      if (!findRecord(portal, to, id)) {
        return invalid(`Associated object not found: ${to} ${id}`, { context: { ids: [id] } });
      }
    }
  }
  return undefined;
}

export function linkAll(portal: Portal, type: ObjectType, id: string, sent: unknown): void {
  if (!Array.isArray(sent)) return;
  for (const link of sent as InlineLink[]) {
    for (const { associationTypeId } of link.types) {
      const to = targetOf(type, Number(associationTypeId));
      if (to) associate(portal, type, id, to, String(link.to.id), Number(associationTypeId));
    }
  }
}

function targetOf(type: ObjectType, typeId: number): ObjectType | undefined {
  return objectTypes.find((to) => oppositeTypeId(type, to, typeId) !== undefined);
}

/** Associates two records that exist; ids of merged records mean the survivor. False when one does not exist. */
export function associate(
  portal: Portal,
  from: ObjectType,
  fromId: string,
  to: ObjectType,
  toId: string,
  typeId = defaultTypeId(from, to),
): { fromId: string; toId: string } | undefined {
  const [here, there] = [findRecord(portal, from, fromId), findRecord(portal, to, toId)];
  if (!here || !there || typeId === undefined) return undefined;
  portal.links.add(from, here.id, to, there.id, typeId);
  touch(portal, from, here.id, to, there.id);
  return { fromId: here.id, toId: there.id };
}

const isActivity = (type: ObjectType) => type === "calls" || type === "tasks";

/** A contact with a new activity has changed: a client that follows changes sees its own writes come back. */
function touch(portal: Portal, from: ObjectType, fromId: string, to: ObjectType, toId: string): void {
  const [contactId, other] = to === "contacts" ? [toId, from] : [fromId, to];
  const contact = portal.records.contacts.get(contactId);
  if (!contact || !isActivity(other) || (from !== "contacts" && to !== "contacts")) return;
  rewrite(portal, "contacts", contact, { notes_last_updated: new Date(portal.now()).toISOString() });
}
