import type {
  CallRecord,
  ConnectContext,
  Connector,
  RemovedCall,
  SaveResult,
} from "../../src/core/contracts.ts";
import { isObject } from "../../src/lib/body.ts";
import { inParts } from "../../src/lib/pace.ts";
import { faultIn, rowFailure, type SalesforceFault } from "./errors.ts";
import { closeFollowUps, standings } from "./follow-up.ts";
import type { Desk } from "./plan.ts";
import { type Book, shortId, tasksByKey } from "./read.ts";
import { saveCalls } from "./save.ts";
import { keyFieldIn, type OrgSchema } from "./schema.ts";
import type { Api, RequestOptions } from "./transport.ts";

export type Saver = {
  save(records: readonly CallRecord[], signal?: AbortSignal): Promise<SaveResult[]>;
  tasks: NonNullable<Connector["tasks"]>;
  closeTasks: NonNullable<Connector["closeTasks"]>;
  remove(calls: readonly RemovedCall[]): Promise<void>;
  prepare(): Promise<void>;
};

type SaveParts = { api: Api; schema: OrgSchema; keyField: string; context: ConnectContext };

/** Saves and removes calls of one org. */
export function createSaver({ api, schema, keyField, context }: SaveParts): Saver {
  let last: Promise<unknown> = Promise.resolve();
  const warned = new Set<string>();
  const warn = (message: string): void => {
    if (warned.has(message)) return;
    if (warned.size < 1_000) warned.add(message);
    context.warn(message);
  };

  /** One after the other: two requests with one key at once would lock each other out, or make the call twice. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };

  const bookFor = async (ask: RequestOptions): Promise<Book> => {
    const fields = await schema.of("Task", ask);
    const keyName = keyFieldIn(fields, keyField);
    if (keyName) return { fields, keyName, ledger: false };
    warn(
      `Salesforce has no field ${keyField} on Activity that is an external id and that our user may see: deploy the Switchhook package, or give the user its permission set. Until then calls are found again by CallObject, which is slower.`,
    );
    return { fields, keyName: "CallObject", ledger: true };
  };

  const deskFor = async (ask: RequestOptions): Promise<Desk> => ({
    book: await bookFor(ask),
    connection: await api.open(ask),
    schema,
    warn,
  });

  return {
    save: (records, signal) =>
      inTurn(async () => {
        if (records.length === 0) return [];
        const ask: RequestOptions = { priority: "deliver", signal };
        return saveCalls(await deskFor(ask), records, ask, context);
      }),
    tasks: async (given, signal) => standings(await deskFor({ priority: "deliver", signal }), given),
    closeTasks: (given, signal) =>
      inTurn(async () => closeFollowUps(await deskFor({ priority: "deliver", signal }), given)),
    remove: (calls) =>
      inTurn(async () => {
        if (calls.length > 0) await removeTasks(await deskFor({ priority: "deliver" }), calls);
      }),
    prepare: async () => {
      await bookFor({ priority: "sync" });
    },
  };
}

/** Of ids in the URL of one request. */
const mostIds = 200;
const alreadyGone = new Set(["ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"]);

/** Deletes the Tasks of these calls; those that are gone already are fine. Throws when one stays. */
async function removeTasks({ connection, book }: Desk, calls: readonly RemovedCall[]): Promise<void> {
  const unknown = calls.filter(({ activityId }) => activityId === undefined).map(({ key }) => key);
  const found = await tasksByKey(connection, book, unknown, []);
  const present = [...found.values()].filter(({ deleted }) => !deleted).map(({ id }) => id);
  const ids = [...calls.flatMap(({ activityId }) => activityId ?? []), ...present];
  const distinct = [...new Map(ids.map((id) => [shortId(id), id])).values()];
  for (const part of inParts(distinct, mostIds)) {
    const answer: unknown = await connection.destroy("Task", part, { allOrNone: false });
    const faults = (Array.isArray(answer) ? answer : []).flatMap(faultsLeft);
    if (faults.length > 0) throw rowFailure("to delete a Task", faults);
  }
}

function faultsLeft(result: unknown): SalesforceFault[] {
  const errors: unknown = isObject(result) && result["success"] !== true ? result["errors"] : [];
  const faults = (Array.isArray(errors) ? errors : []).flatMap((one) => faultIn(one) ?? []);
  return faults.filter(({ code }) => !alreadyGone.has(code));
}
