import type { Connection } from "jsforce";
import { isObject, type JsonObject, numberAt, objectsAt, textAt } from "../../src/lib/body.ts";
import { answerFailure } from "./errors.ts";

/** Longest list of values in one query, as it stands in a URL: Salesforce takes about 16,000 characters in all. */
const longestList = 9_000;
const mostRecords = 50_000;

/** A text as a SOQL literal. */
export function literal(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&").replace(/[\r\n\t]/g, " ")}'`;
}

/** Lists of literals, each short enough for one query. */
export function inLists(values: readonly string[], longest = longestList): string[] {
  const lists: string[] = [];
  let list = "";
  let length = 0;
  for (const text of new Set(values)) {
    const item = literal(text);
    const size = encodeURIComponent(item).length + 3;
    if (list !== "" && length + size > longest) {
      lists.push(list);
      list = "";
      length = 0;
    }
    list += list === "" ? item : `,${item}`;
    length += size;
  }
  return list === "" ? lists : [...lists, list];
}

/** All records of a query. `deletedToo`: also those in the recycle bin, and archived activities. */
export async function queryAll(
  connection: Connection,
  soql: string,
  deletedToo = false,
): Promise<JsonObject[]> {
  const options = { autoFetch: true, maxFetch: mostRecords, scanAll: deletedToo };
  const { records } = await connection.query(soql, options);
  return records.filter(isObject);
}

/** Several queries in one request; the first records of each. */
export async function queryTogether(
  connection: Connection,
  soqls: readonly string[],
): Promise<JsonObject[][]> {
  const compositeRequest = soqls.map((soql, i) => ({
    method: "GET",
    url: `/services/data/v${connection.version}/query?q=${encodeURIComponent(soql)}`,
    referenceId: `q${i}`,
  }));
  const answer = await connection.requestPost<unknown>("/composite", { allOrNone: false, compositeRequest });
  const replies = isObject(answer) ? objectsAt(answer, "compositeResponse") : [];
  return soqls.map((_, i) => {
    const reply = replies.find((one) => textAt(one, "referenceId") === `q${i}`) ?? {};
    const status = numberAt(reply, "httpStatusCode") ?? 503;
    const { body } = reply;
    if (status >= 400 || !isObject(body)) throw answerFailure(status, asThrown(body));
    return objectsAt(body, "records");
  });
}

/** A part's error as jsforce would have thrown it for a request of its own. */
function asThrown(data: unknown): Error {
  return Object.assign(new Error("a part of a composite request failed"), { errorCode: "", data });
}
