import { CrmError } from "../../src/core/errors.ts";
import { quotedWhole } from "../../src/core/mask.ts";
import { isObject, objectAt, objectsAt, textAt } from "../../src/lib/body.ts";
import { inParts } from "../../src/lib/pace.ts";
import { refusedWith } from "./errors.ts";
import type { CallerType } from "./people.ts";
import { resultsIn, rowsAtOnce } from "./rows.ts";
import type { ObjectType } from "./schema.ts";
import type { DescribedRequest, Transport } from "./transport.ts";

/** Unverified above 100: HubSpot names no limit for default associations. */
const pairsAtOnce = 100;

export type Pair = { from: string; to: string };

const nameOf = ({ from, to }: Pair): string => `${from} ${to}`;

/**
 * Associates records with others in the default way, 100 pairs in a request; doing it twice changes nothing. Gives the
 * pairs that HubSpot refuses, each with its reason. Throws `CrmError` when a request fails for all of them.
 */
export async function associate(
  transport: Transport,
  { type, toType }: { type: ObjectType; toType: string },
  pairs: readonly Pair[],
  asking: DescribedRequest,
): Promise<{ pair: Pair; error: CrmError }[]> {
  const refused: { pair: Pair; error: CrmError }[] = [];

  const write = async (part: readonly Pair[]): Promise<void> => {
    if (part.length === 0) return;
    const inputs = part.map(({ from, to }) => ({ _from: { id: from }, to: { id: to } }));
    let missing: Pair[];
    let error: CrmError;
    try {
      const body: unknown = await transport.ask(asking, (client) =>
        client.crm.associations.v4.batchApi.createDefault(type, toType, { inputs }),
      );
      missing = missingOf(body, part);
      error = new CrmError("never", firstErrorOf(body));
    } catch (cause) {
      if (!refusedWith(cause, 400, 404, 409)) throw cause;
      missing = [...part];
      error = cause;
    }
    const [only] = missing;
    if (part.length === 1 && only) refused.push({ pair: only, error });
    else {
      // The answer does not name the pair that is wrong.
      const middle = Math.ceil(missing.length / 2);
      await write(missing.slice(0, middle));
      await write(missing.slice(middle));
    }
  };

  const unique = [...new Map(pairs.map((pair) => [nameOf(pair), pair])).values()];
  for (const part of inParts(unique, pairsAtOnce)) await write(part);
  return refused;
}

/** Without an error every pair is done, whatever the list of results says. */
function missingOf(body: unknown, part: readonly Pair[]): Pair[] {
  if (!isObject(body) || objectsAt(body, "errors").length === 0) return [];
  const done = new Set(
    objectsAt(body, "results").map((result) => {
      const from = result["_from"] === undefined ? objectAt(result, "from") : objectAt(result, "_from");
      return nameOf({ from: textAt(from, "id") ?? "", to: textAt(objectAt(result, "to"), "id") ?? "" });
    }),
  );
  return part.filter((pair) => !done.has(nameOf(pair)));
}

function firstErrorOf(body: unknown): string {
  const [error] = isObject(body) ? objectsAt(body, "errors") : [];
  const said = error && textAt(error, "message");
  return `HubSpot does not associate it: ${said === undefined ? "it gives no reason" : quotedWhole(said)}`;
}

/** The contacts, or companies, that each call is associated with. */
export async function callersOfCalls(
  transport: Transport,
  type: CallerType,
  callIds: readonly string[],
  asking: DescribedRequest,
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const part of inParts(callIds, rowsAtOnce)) {
    const inputs = part.map((id) => ({ id }));
    const body: unknown = await transport
      .ask(asking, (client) => client.crm.associations.v4.batchApi.getPage("calls", type, { inputs }))
      .catch((error: unknown) => {
        // None of them has any.
        if (refusedWith(error, 404)) return undefined;
        throw error;
      });
    for (const result of body === undefined ? [] : resultsIn(body)) {
      const from = result["_from"] === undefined ? objectAt(result, "from") : objectAt(result, "_from");
      const id = textAt(from, "id");
      if (id !== undefined)
        found.set(
          id,
          objectsAt(result, "to").flatMap((to) => textAt(to, "toObjectId") ?? []),
        );
    }
  }
  return found;
}
