import type { Kysely, Selectable } from "kysely";
import type { ContactKind } from "../core/contact.ts";
import type { Fields } from "../core/contracts.ts";
import type { FollowUpState, TrackedFollowUp } from "../core/tracked-call.ts";
import type { FollowUpStore } from "./contract-follow-ups.ts";
import type { Tables } from "./kysely.ts";
import type { Write } from "./writing.ts";

/** Enough of one caller's latest calls to see whether they were reached. */
const callsLookedAt = 50;

/** Reading; what is written together with a call is in `delivered.ts`. */
export function followUpsOver(db: Kysely<Tables>, write: Write): FollowUpStore {
  const rows = () =>
    db
      .selectFrom("follow_ups")
      .innerJoin("calls", "calls.id", "follow_ups.call")
      .selectAll("follow_ups")
      .select("calls.key");

  return {
    async followUp(call) {
      const row = await rows().where("follow_ups.call", "=", call).executeTakeFirst();
      return row && toRow(row);
    },

    async openFollowUps(installation, subjects) {
      const numbers = [...new Set(subjects.flatMap(({ number }) => number ?? []))];
      const ids = [...new Set(subjects.flatMap(({ contact }) => contact?.id ?? []))];
      if (numbers.length + ids.length === 0) return [];
      const found = await rows()
        .where("follow_ups.installation", "=", installation)
        .where("follow_ups.state", "in", ["wanted", "open"])
        // A task that was to go out with a call that is parked or deleted may never be made.
        .where((is) =>
          is.or([
            is("follow_ups.state", "=", "open"),
            is("calls.state", "not in", ["dead", "gone", "ignored", "merged"]),
          ]),
        )
        .where((is) =>
          is.or([is("follow_ups.number", "in", numbers), is("follow_ups.contact_id", "in", ids)]),
        )
        .execute();
      return found.map(toRow);
    },

    async hasOpenFollowUps(installation) {
      const row = await db
        .selectFrom("follow_ups")
        .select("call")
        .where("installation", "=", installation)
        .where("state", "in", ["wanted", "open"])
        .limit(1)
        .executeTakeFirst();
      return row !== undefined;
    },

    async completedCalls(installation, { number, contact }, since) {
      const calls = db
        .selectFrom("calls")
        .select(["id", "key", "body", "contact_kind"])
        .where("installation", "=", installation)
        .where("created_at", ">=", since)
        .where("state", "!=", "merged")
        .orderBy("id", "desc")
        .limit(callsLookedAt);
      const byNumber = number === undefined ? [] : await calls.where("number", "=", number).execute();
      const byContact = contact ? await calls.where("contact_id", "=", contact.id).execute() : [];
      return [...byNumber, ...byContact.filter(({ contact_kind }) => contact_kind === contact?.kind)].map(
        ({ key, body }) => ({ key, body }),
      );
    },

    markReached: (installation, calls, now) => write("markReached", installation, calls, now),

    async dueFollowUps(installation, now, limit) {
      const found = await rows()
        .where("follow_ups.installation", "=", installation)
        .where("follow_ups.state", "=", "open")
        .where("follow_ups.close_at", "<=", now)
        .orderBy("follow_ups.close_at")
        .limit(limit)
        .execute();
      return found.map(toRow);
    },

    changeFollowUps: (changes) => write("changeFollowUps", changes),
  };
}

function toRow(row: Selectable<Tables["follow_ups"]> & { key: string }): TrackedFollowUp {
  const { contact_kind, contact_id } = row;
  return {
    call: row.call,
    key: row.key,
    installation: row.installation,
    state: row.state as FollowUpState,
    since: row.since,
    fields: JSON.parse(row.fields) as Fields,
    attempts: row.attempts,
    ...(contact_kind !== null &&
      contact_id !== null && { contact: { kind: contact_kind as ContactKind, id: contact_id } }),
    ...(row.number !== null && { number: row.number }),
    ...(row.task_id !== null && { taskId: row.task_id }),
    ...(row.close_at !== null && { closeAt: row.close_at }),
    ...(row.reached_by !== null && { reachedBy: row.reached_by }),
    ...(row.reason !== null && { reason: row.reason }),
  };
}
