import { appendRows } from "./appended.ts";
import { keepAnswer } from "./bring-back.ts";
import type { Bind, Connection } from "./connection.ts";
import * as contacts from "./contacts.ts";
import { writeDecoded } from "./decoded.ts";
import { writeDelivered, writeSending } from "./delivered.ts";
import { erasePeople } from "./erase-people.ts";
import { eraseRest, eraseStretch } from "./erase-stretch.ts";
import { eraseMentions } from "./mentions.ts";
import * as numbering from "./numbering.ts";
import { proveWritable, pullBack, tryAgain } from "./upkeep.ts";
import { changeFollowUps, markReached } from "./write-follow-ups.ts";

/** Everything that the writer can do, by name. Arguments and results cross a thread: plain data only. */
export const operations = {
  append: appendRows,
  decoded: writeDecoded,
  sending: writeSending,
  delivered: writeDelivered,
  putContacts: contacts.putContacts,
  removeContacts: contacts.removeContacts,
  dropContactsBefore: contacts.dropContactsBefore,
  saveNumbering: numbering.saveNumbering,
  renumberContacts: numbering.renumberContacts,
  renumberCalls: numbering.renumberCalls,
  renumberAnswers: numbering.renumberAnswers,
  eraseMentions,
  erasePeople,
  eraseStretch,
  eraseRest,
  markReached,
  changeFollowUps,
  saveAnswer: keepAnswer,
  cleanLog: (db: Connection) => db.cleanLog(),
  putOwners: contacts.putOwners,
  run: (db: Connection, sql: string, values: readonly Bind[]) => db.run(sql, ...values),
  ready: proveWritable,
  tryAgain,
  pullBack,
};

export type Operations = typeof operations;
