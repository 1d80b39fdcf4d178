import type { CrmError } from "../../src/core/errors.ts";
import { associates, failed, type SaveTools, type Work } from "./account.ts";
import { associate, callersOfCalls } from "./associations.ts";
import { refusedWith } from "./errors.ts";
import { readRecords } from "./look-back.ts";
import { callerKinds } from "./people.ts";
import { notGranted, scopesIn } from "./scopes.ts";
import type { DescribedRequest } from "./transport.ts";
import { contactMark } from "./unknown-callers.ts";

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
