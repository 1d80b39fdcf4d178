import { CrmError } from "../../src/core/errors.ts";
import { quotedWhole } from "../../src/core/mask.ts";
import { isObject, objectAt, objectsAt, textAt } from "../../src/lib/body.ts";
import { inParts } from "../../src/lib/pace.ts";
import { associates, failed, type SaveTools, type Work } from "./account.ts";
import { refusedWith } from "./errors.ts";
import { readRecords } from "./look-back.ts";
import { type CallerType, callerKinds } from "./people.ts";
import { resultsIn, rowsAtOnce } from "./rows.ts";
import { notGranted, type ObjectType, scopesIn } from "./schema.ts";
import type { DescribedRequest, Transport } from "./transport.ts";
import { contactMark } from "./unknown-callers.ts";

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
async function callersOfCalls(
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

type Link = { work: Work; from: string; to: string };

/**
 * Associates saved calls with their contacts and the other records of the mapping, one request per type of record.
 * A call that a person has given another contact keeps that one.
 */
export async function linkCalls(
  tools: SaveTools,
  works: readonly Work[],
  asking: DescribedRequest,
): Promise<void> {
  const saved = works.filter((work) => work.saved !== undefined);
  for (const [type, kind] of callerKinds)
    await linkCallers(tools, [type, kind], saved, {
      ...asking,
      what: `HubSpot, associating calls with ${type}`,
    });
  for (const type of associates) {
    const links = saved.flatMap((work): Link[] => {
      const to = work.record.associate?.[type];
      const done = to === undefined || work.record.ours[linkName(type)]?.includes(to);
      return done || !work.saved ? [] : [{ work, from: work.saved.id, to }];
    });
    const leaveOut = (why: string): void => {
      if (links.length > 0) tools.warn(`calls are logged without their ${plural(type)}: ${why}`);
      for (const { work } of links) work.without.push(`its ${type}: ${why}`);
    };
    const lacked = scopesIn(tools.context).toAssociate(type);
    if (lacked !== undefined) {
      leaveOut(notGranted(lacked));
      continue;
    }
    const refused = await write(tools, plural(type), links, asking).catch((error: unknown) => {
      if (!refusedWith(error, 403)) throw error;
      leaveOut(error.message);
    });
    for (const { work, to } of refused ? links : []) {
      const error = refused?.get(`${work.saved?.id} ${to}`);
      // The call is logged, on its contact; a record beside it that cannot be found is no reason to hide it.
      if (error) {
        tools.warn(`calls could not be associated with ${type} ${to}: ${error.message}`);
        work.without.push(`its ${type} ${to}: ${error.message}`);
      } else work.wrote[linkName(type)] = to;
    }
  }
}

async function linkCallers(
  tools: SaveTools,
  [type, kind]: (typeof callerKinds)[number],
  works: readonly Work[],
  asking: DescribedRequest,
): Promise<void> {
  const wanting = works.filter(({ record, contact }) => contact?.kind === kind && !record.linked);
  const known = wanting.filter(({ current }) => current !== undefined);
  const present = await callersOfCalls(
    tools.transport,
    type,
    known.flatMap(({ current }) => current?.id ?? []),
    { ...asking, what: `HubSpot, reading the ${type} of calls` },
  );
  const links = wanting.flatMap((work): Link[] => {
    const { record, contact, saved, current } = work;
    if (!contact || !saved) return [];
    const there = (current && present.get(current.id)) ?? [];
    const ours = new Set([contact.id, ...(record.ours["contactId"] ?? []).map(String)]);
    const theirs = there.find((id) => !ours.has(id));
    if (theirs !== undefined) {
      work.kept.push("contactId");
      work.contact = { id: theirs, kind };
    }
    return theirs === undefined ? [{ work, from: saved.id, to: contact.id }] : [];
  });
  const refused = await write(tools, type, links, asking);
  const doubtful = links.flatMap(({ from, to }) => (refused.has(`${from} ${to}`) ? [to] : []));
  const there = await readRecords(tools.transport, doubtful, { type, by: "id", properties: [] }, asking);
  for (const { work, from, to } of links) {
    const error = refused.get(`${from} ${to}`);
    if (!error) work.wrote["contactId"] = to;
    else if (there.has(to)) work.without.push(`its contact ${to}: ${error.message}`);
    else if (work.contact) {
      const number = work.record.createContact?.number;
      if (number !== undefined) tools.lookBack.forget(contactMark(number));
      work.result = { ...failed(work, waiting(error)), contactGone: work.contact } as Work["result"] & object;
    }
  }
}

async function write(
  { transport }: SaveTools,
  toType: string,
  links: readonly Link[],
  asking: DescribedRequest,
): Promise<Map<string, CrmError>> {
  if (links.length === 0) return new Map();
  const pairs = links.map(({ from, to }) => ({ from, to }));
  const refused = await associate(transport, { type: "calls", toType }, pairs, asking);
  return new Map(refused.map(({ pair, error }) => [`${pair.from} ${pair.to}`, error]));
}

/** The contact was deleted or merged since we heard of it: the call is matched anew and tried again. */
function waiting(error: CrmError): CrmError {
  return new (error.constructor as typeof CrmError)(
    "later",
    `${error.message}. The caller is looked up anew`,
    {
      cause: error,
      afterMs: 1_000,
    },
  );
}

function linkName(type: (typeof associates)[number]): string {
  return `${type}Id`;
}

function plural(type: (typeof associates)[number]): string {
  return type === "company" ? "companies" : `${type}s`;
}
