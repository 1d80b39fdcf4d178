import { associate } from "./associating.ts";
import { findRecord, type Portal } from "./portal.ts";
import type { ObjectType, StoredRecord } from "./types.ts";
import { linkedIds } from "./wire.ts";
import { planCreate, planUpdate, rewrite } from "./writing.ts";

/** A record as it lies in the portal. */
export type Seen = {
  id: string;
  properties: Record<string, string>;
  associations: Record<string, string[]>;
  createdAt: string;
  updatedAt: string;
};

export type People = ReturnType<typeof createPeople>;

/** What reps and admins do in the portal, without its API; and what they would see there. */
export function createPeople(portal: Portal) {
  let lastOwner = 0;

  return {
    addContact: (properties: Record<string, string>): string => add("contacts", properties),
    add,
    addOwner(owner: { email: string; firstName?: string; lastName?: string }): string {
      lastOwner += 1;
      const id = String(70_000_000 + lastOwner);
      portal.owners.set(id, {
        id,
        email: owner.email,
        firstName: owner.firstName ?? "",
        lastName: owner.lastName ?? "",
        userId: 4_000_000 + lastOwner,
        createdAt: portal.now(),
        archived: false,
      });
      return id;
    },
    archiveOwner(id: string): void {
      const owner = portal.owners.get(id);
      if (owner) owner.archived = true;
    },
    edit(type: ObjectType, id: string, properties: Record<string, string>): void {
      const plan = planUpdate(portal, type, existing(type, id), properties);
      if ("problem" in plan) throw new Error(plan.problem.message);
      plan.apply();
    },
    archive(type: ObjectType, id: string): void {
      portal.records[type].archive(existing(type, id));
    },
    /** Deletes a contact for good, as the law on privacy asks for; its calls stay. */
    privacyDelete(id: string): void {
      const contact = existing("contacts", id);
      portal.links.drop("contacts", contact.id);
      portal.records.contacts.erase(contact);
    },
    /** Archives the loser; its id answers with the winner from now on. Empty properties of the winner are filled. */
    merge(winnerId: string, loserId: string, type: ObjectType = "contacts"): void {
      const [winner, loser] = [existing(type, winnerId), existing(type, loserId)];
      portal.links.move(type, loser.id, winner.id);
      portal.records[type].merge(winner, loser);
      const merged = [winner.values["hs_merged_object_ids"], loser.id].filter(Boolean).join(";");
      rewrite(portal, type, winner, { ...loser.values, ...winner.values, hs_merged_object_ids: merged });
    },
    associate(callId: string, type: ObjectType, toId: string, from: ObjectType = "calls"): void {
      if (!associate(portal, from, callId, type, toId)) throw new Error(`no such ${from} or ${type}`);
    },
    dissociate(callId: string, type: ObjectType, toId: string, from: ObjectType = "calls"): void {
      portal.links.remove(from, existing(from, callId).id, type, existing(type, toId).id);
    },
    calls: () => all("calls"),
    tasks: () => all("tasks"),
    /** Without generated ones that nothing has changed. */
    contacts: () => all("contacts"),
    all,
    /** The calls whose recording was announced. */
    readyRecordings: () => [...portal.readyRecordings],
  };

  function add(type: ObjectType, properties: Record<string, string>): string {
    const plan = planCreate(portal, type, properties);
    if ("problem" in plan) throw new Error(plan.problem.message);
    return plan.apply().id;
  }

  function existing(type: ObjectType, id: string): StoredRecord {
    const record = findRecord(portal, type, id);
    if (!record) throw new Error(`there is no ${type} ${id}`);
    return record;
  }

  function all(type: ObjectType): Seen[] {
    return [...portal.records[type].stored.values()]
      .filter((record) => record.archivedAt === undefined)
      .map((record) => ({
        id: record.id,
        properties: { ...record.values },
        associations: linkedIds(portal, type, record.id),
        createdAt: new Date(record.createdAt).toISOString(),
        updatedAt: new Date(record.updatedAt).toISOString(),
      }));
  }
}
