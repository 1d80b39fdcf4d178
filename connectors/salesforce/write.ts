import { CrmError } from "../../src/core/errors.ts";
import { rowFailure, type SalesforceFault } from "./errors.ts";
import type { Desk, Item, Written } from "./item.ts";
import { idsInDoubt, lookAt, mend } from "./mend.ts";
import { create, type RowResult, sendRows, update, upsertBy } from "./rows.ts";
import type { OrgSchema } from "./schema.ts";

/** Owner, contact and fields can be wrong one after the other; after so many tries a row is given up. */
const mostRounds = 8;

/**
 * Writes Tasks, one answer for each. What a person or time did to their owner or contact is mended on the way. Throws
 * when Salesforce took none of them.
 */
export async function writeTasks(desk: Desk, items: readonly Item[]): Promise<Written[]> {
  const written: Written[] = [];
  let waiting = [...items.entries()];
  for (let round = 1; waiting.length > 0; round += 1) {
    const sent = await sendItems(
      desk,
      waiting.map(([, item]) => item),
    );
    const lost = sent.flatMap((result) => ("lost" in result ? [result.lost] : []));
    if (round === 1 && lost[0] && lost.length === sent.length) throw lost[0];
    const doubtful = waiting.flatMap(([, item], place) => idsInDoubt(item, faultsIn(sent[place])));
    const standings = await lookAt(desk.connection, doubtful);
    const again: typeof waiting = [];
    for (const [place, [index, item]] of waiting.entries()) {
      const result = sent[place] ?? { faults: [] };
      if ("id" in result) written[index] = { ...result, created: result.created && !item.change, item };
      else if ("lost" in result) written[index] = { failed: result.lost };
      else {
        const { faults } = result;
        const outdated = outdatedBy(desk.schema, item, faults);
        const last = round === mostRounds - 1;
        const next =
          round < mostRounds && !outdated ? mend(item, faults, standings, { ...desk, last }) : undefined;
        if (next && "row" in next) again.push([index, next]);
        else written[index] = next ?? { failed: outdated ?? rowFailure(item.what, faults) };
      }
    }
    waiting = again;
  }
  return written;
}

/** New Tasks first, then those that exist, which may lock each other out. */
async function sendItems({ connection, schema, book }: Desk, items: readonly Item[]): Promise<RowResult[]> {
  const makeNew = book.ledger ? create(connection, "Task") : upsertBy(connection, book.keyName);
  const results: RowResult[] = [];
  for (const change of [false, true]) {
    const places = items.flatMap((item, i) => (item.change === change ? [i] : []));
    const rows = places.map((i) => items[i]?.row ?? {});
    const request = change ? update(connection) : makeNew;
    const sent = await sendRows(rows, request, { atOnce: !change, isOutdated: schema.forget });
    for (const [n, i] of places.entries()) results[i] = sent[n] ?? { faults: [] };
  }
  return results;
}

function faultsIn(result: RowResult | undefined): readonly SalesforceFault[] {
  return result && "faults" in result ? result.faults : [];
}

/** A field or picklist that was changed since we read of it is no fault of the call. */
function outdatedBy(
  schema: OrgSchema,
  { what }: Item,
  faults: readonly SalesforceFault[],
): CrmError | undefined {
  const changed = faults.some(({ code }) => /^INVALID_(FIELD|OR_NULL_FOR_RESTRICTED_PICKLIST)/.test(code));
  if (!changed || !schema.forget()) return undefined;
  return new CrmError("later", rowFailure(what, faults).message, { afterMs: 0 });
}
