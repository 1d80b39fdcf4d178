import * as access from "./access.ts";
import * as answers from "./answers.ts";
import * as calls from "./calls.ts";
import * as contactChanges from "./contact-changes.ts";
import * as contacts from "./contacts.ts";
import type { Store } from "./contract.ts";
import type { Db, ReadDb } from "./db/db.ts";
import { findSecret, makeSecret } from "./db/rows.ts";
import * as deliveries from "./deliveries.ts";
import { eraseInSteps, eraseRest, eraseStep } from "./erasure/installation.ts";
import { eraseMentions, erasePeople, forEachMention, removeContacts } from "./erasure/people.ts";
import * as failures from "./failures.ts";
import { callsOfLeg, findCalls } from "./find-calls.ts";
import * as followUps from "./follow-ups.ts";
import * as installations from "./installations.ts";
import * as ownLines from "./lines.ts";
import * as mappings from "./mapping-versions.ts";
import * as recordings from "./recordings.ts";
import * as decoded from "./save-decoded.ts";
import * as delivered from "./save-delivered.ts";
import * as upkeep from "./upkeep.ts";
import * as waiting from "./waiting.ts";

/** Methods of the store that change something, each in one transaction. */
const writes = {
  replay: deliveries.replay,
  tryAgain: deliveries.tryAgain,
  retry: calls.retry,
  chooseContact: calls.chooseContact,
  hurry: calls.hurry,
  markReached: followUps.markReached,
  changeFollowUps: followUps.changeFollowUps,
  putContacts: contacts.putContacts,
  removeContacts,
  dropContactsBefore: contacts.dropContactsBefore,
  addContactChanges: contactChanges.addContactChanges,
  deleteContactChanges: contactChanges.deleteContactChanges,
  postponeContactChanges: contactChanges.postponeContactChanges,
  putOwners: contacts.putOwners,
  saveSyncState: contacts.saveSyncState,
  saveNumbering: contacts.saveNumbering,
  renumberContacts: contacts.renumberContacts,
  renumberCalls: calls.renumberCalls,
  renumberAnswers: answers.renumberAnswers,
  postponePolls: recordings.postponePolls,
  saveRecording: recordings.saveRecording,
  deleteRecording: recordings.deleteRecording,
  leaveCopy: recordings.leaveCopy,
  forgetRecording: recordings.forgetRecording,
  relink: recordings.relink,
  saveInstall: installations.saveInstall,
  claimInstall: installations.claimInstall,
  releaseInstall: installations.releaseInstall,
  beginErasure: installations.beginErasure,
  pullBack: upkeep.pullBack,
  noteRefusals: waiting.noteRefusals,
  addMappingVersions: mappings.addMappingVersions,
  saveMappingApply: mappings.saveMappingApply,
  addSession: access.addSession,
  touchSession: access.touchSession,
  removeSession: access.removeSession,
  addLink: access.addLink,
  takeLink: access.takeLink,
  addAuditLine: access.addAuditLine,
  endAuditLine: access.endAuditLine,
  addRetry: failures.addRetry,
  retryCalls: failures.retryCalls,
  cancelRetry: failures.cancelRetry,
  countCancelled: failures.countCancelled,
  endRetry: failures.endRetry,
  ignoreFailure: failures.ignoreFailure,
  showFailure: failures.showFailure,
};

/** All that changes the database, by name. Each is one transaction. */
export const operations = {
  ...writes,
  saveDecoded: decoded.saveDecoded,
  saveSending: delivered.saveSending,
  saveDelivered: delivered.saveDelivered,
  saveAnswer: answers.saveAnswer,
  eraseMentions,
  erasePeople,
  eraseStep,
  eraseRest,
  purgeStep: upkeep.purgeStep,
  makeSecret,
};
export type Operations = typeof operations;

type ArgumentsOf<F> = F extends (tx: Db, ...rest: infer A) => unknown ? A : never;
type ResultOf<F> = F extends (...args: never[]) => Promise<infer R> ? R : never;

/** Runs an operation. Resolves once it is durable; all of it or nothing. */
export type Write<O = Operations> = <N extends keyof O>(
  name: N,
  ...args: ArgumentsOf<O[N]>
) => Promise<ResultOf<O[N]>>;

/** What a store needs of a kind of database. */
export type Backend = {
  /** For quick reads. */
  read: ReadDb;
  /** For reads that may take a second: they must not hold up webhooks and live calls. */
  listings: ReadDb;
  write: Write;
  /** Removes what deleted rows leave in the files of the database. */
  cleanUp: () => Promise<void>;
};

/** What each kind of database does in its own way. */
type OwnMethods = "append" | "ready" | "losses" | "damage" | "close" | "shared";

/** The store over a database of any kind. */
export function storeOver(
  { read, listings, write, cleanUp }: Backend,
  now: () => number,
): Omit<Store, OwnMethods> {
  return {
    ...over(read, {
      newDeliveries: deliveries.newDeliveries,
      deliveriesOf: deliveries.deliveriesOf,
      delivery: deliveries.delivery,
      answer: answers.answer,
      groupsOf: calls.groupsOf,
      sizesOf: calls.sizesOf,
      dueCalls: calls.dueCalls,
      nextDue: calls.nextDue,
      dueTimes: calls.dueTimes,
      call: calls.call,
      callById: calls.callById,
      history: calls.history,
      counts: calls.counts,
      followUp: followUps.followUp,
      openFollowUps: followUps.openFollowUps,
      hasOpenFollowUps: followUps.hasOpenFollowUps,
      completedCalls: followUps.completedCalls,
      dueFollowUps: followUps.dueFollowUps,
      lines: ownLines.lines,
      openLine: ownLines.openLine,
      contactsByNumber: contacts.contactsByNumber,
      contact: contacts.contact,
      countContacts: contacts.countContacts,
      dueContactChanges: contactChanges.dueContactChanges,
      owners: contacts.owners,
      syncState: contacts.syncState,
      numbering: contacts.numbering,
      numberedContacts: contacts.numberedContacts,
      numberedCalls: calls.numberedCalls,
      answerNumbers: answers.answerNumbers,
      openCalls: recordings.openCalls,
      dueRecordings: recordings.dueRecordings,
      nextRecording: recordings.nextRecording,
      archivedRecordings: recordings.archivedRecordings,
      recording: recordings.recording,
      installs: installations.installs,
      install: installations.install,
      waitingWork: waiting.waitingWork,
      oldestDue: waiting.oldestDue,
      quietCalls: waiting.quietCalls,
      lastUses: waiting.lastUses,
      refusals: waiting.refusals,
      exportPage: installations.exportPage,
      mappingVersions: mappings.mappingVersions,
      mappingVersion: mappings.mappingVersion,
      mappingApply: mappings.mappingApply,
      session: access.session,
      sessions: access.sessions,
      link: access.link,
      retryById: failures.retryById,
      openRetries: failures.openRetries,
      retriedCounts: failures.retriedCounts,
      ignoredFailures: failures.ignoredFailures,
    }),
    ...over(listings, {
      calls: calls.calls,
      findCalls,
      callsOfLeg,
      contactsNamed: contacts.contactsNamed,
      unusedDeliveries: deliveries.unusedDeliveries,
      deliveriesIn: deliveries.deliveriesIn,
      auditLines: access.auditLines,
      deadCalls: failures.deadCalls,
      retries: failures.retries,
    }),
    ...through(write, writes),
    answersNear: (installation, number, from, to) =>
      answers.answersNear(read, installation, number, { from, to }),
    callsBetween: (installation, provider, number, before) =>
      ownLines.callsBetween(read, installation, { provider, number }, before),
    duePolls: (installation, provider, at, limit) =>
      recordings.duePolls(read, installation, provider, { now: at, limit }),
    saveDecoded: (installation, notes, found, line) =>
      write(
        "saveDecoded",
        decoded.decodedWrite({ installation, deliveries: notes, calls: found, now: now(), line }),
      ),
    saveSending: (installation, sent, at) =>
      write("saveSending", installation, delivered.sendingWrite(sent, at)),
    saveDelivered: (outcomes) => write("saveDelivered", delivered.deliveredWrite(outcomes)),
    saveAnswer: (installation, provider, answer) =>
      write("saveAnswer", { installation, provider, now: now() }, answer),
    erase: async (installation, refs, options) => {
      const mentions = (numbers: readonly string[], after: number) =>
        write("eraseMentions", installation, numbers, after);
      await forEachMention(read, { installation, refs, spared: options.spared }, mentions);
      await write("erasePeople", installation, refs, options);
      await cleanUp();
    },
    eraseInstallation: async (installation, options) => {
      const isDone = await eraseInSteps((place) => write("eraseStep", installation, place), options);
      if (!isDone) return false;
      await cleanUp();
      await write("eraseRest", installation);
      return true;
    },
    purge: (at, before) => upkeep.purge(read, (what, end) => write("purgeStep", what, end), at, before),
    purgeAccess: (at, auditBefore) =>
      upkeep.purgeAccess((what, end) => write("purgeStep", what, end), at, auditBefore),
    secret: async (name) => (await findSecret(read, name)) ?? write("makeSecret", name),
  };
}

type Over<F> = {
  [K in keyof F]: F[K] extends (db: ReadDb, ...rest: infer A) => infer R ? (...rest: A) => R : never;
};

function over<F extends Record<string, (db: ReadDb, ...rest: never[]) => unknown>>(db: ReadDb, functions: F) {
  const entries = Object.entries(functions).map(([name, read]) => [
    name,
    (...rest: never[]) => read(db, ...rest),
  ]);
  return Object.fromEntries(entries) as Over<F>;
}

type Through<F> = {
  [K in keyof F]: (...rest: ArgumentsOf<F[K]>) => Promise<ResultOf<F[K]>>;
};

function through<F extends object>(write: Write, functions: F) {
  const run = write as (name: string, ...rest: never[]) => unknown;
  const entries = Object.keys(functions).map((name) => [name, (...rest: never[]) => run(name, ...rest)]);
  return Object.fromEntries(entries) as Through<F>;
}
