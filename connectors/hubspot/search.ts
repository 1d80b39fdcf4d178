import { isObject, objectAt, textAt } from "../../src/lib/body.ts";
import { type Stored, storedIn } from "./rows.ts";
import type { DescribedRequest, Transport } from "./transport.ts";

/** HubSpot refuses longer bodies. */
const longestBody = 3_000;
/** The place of a later page is a longer text than "0". */
const roomForPlace = 10;
const pageSize = 200;
/** Nobody is that many people; what is beyond is not looked at. */
const mostPages = 10;

/** A property and the values that a wanted record may have in it: for each wanted thing, its writings. */
export type Filter = { name: string; values: readonly (readonly string[])[] };

export type SearchBody = {
  filterGroups: { filters: Record<string, unknown>[] }[];
  properties: string[];
  limit: number;
  after?: string;
  sorts?: string[];
};

/** The place of a later page is a longer text than this. */
const firstPage = "0";

/** HubSpot's published specification of 2026-03 requires `after` and `sorts` in every search. */
function inFull({ after = firstPage, sorts = [], ...body }: SearchBody): Required<SearchBody> {
  return { ...body, after, sorts };
}

/** A page of found records. `total`: of all pages. */
export type SearchPage = { results: ReturnType<typeof storedIn>; total: number; after?: string };

/** One request. Throws `CrmError`. */
export async function search(
  transport: Transport,
  type: string,
  body: SearchBody,
  asking: DescribedRequest,
): Promise<SearchPage> {
  const answer: unknown = await transport.search(asking, (client) =>
    client.crm.objects.searchApi.doSearch(
      type,
      inFull(body) as unknown as Parameters<typeof client.crm.objects.searchApi.doSearch>[1],
    ),
  );
  const object = isObject(answer) ? answer : {};
  const after = textAt(objectAt(objectAt(object, "paging"), "next"), "after");
  return { results: storedIn(answer), total: Number(object["total"] ?? 0), ...(after && { after }) };
}

/**
 * The records that have any of a filter's values, for each of the filters: at most five, for the same wanted things.
 * The values are put into as few requests as their length allows.
 */
export async function inSearches(
  transport: Transport,
  { type, filters, properties }: { type: string; filters: readonly Filter[]; properties: readonly string[] },
  asking: DescribedRequest,
): Promise<{ stored: Stored }[]> {
  const count = Math.max(...filters.map(({ values }) => values.length), 0);
  const bodies: SearchBody[] = [];
  let from = 0;
  while (from < count) {
    let to = from + 1;
    let body = bodyOf(filters, properties, from, to);
    for (; to < count; to += 1) {
      const more = bodyOf(filters, properties, from, to + 1);
      if (Buffer.byteLength(JSON.stringify(inFull(more))) > longestBody - roomForPlace) break;
      body = more;
    }
    bodies.push(body);
    from = to;
  }
  const found = await Promise.all(bodies.map((body) => allPages(transport, type, body, asking)));
  return found.flat();
}

function bodyOf(
  filters: readonly Filter[],
  properties: readonly string[],
  from: number,
  to: number,
): SearchBody {
  const filterGroups = filters.map(({ name, values }) => {
    // HubSpot compares lower-case values only.
    const part = values.slice(from, to).flatMap((writings) => writings.map((value) => value.toLowerCase()));
    return { filters: [{ propertyName: name, operator: "IN", values: part }] };
  });
  return { filterGroups, properties: [...properties], limit: pageSize };
}

async function allPages(
  transport: Transport,
  type: string,
  body: SearchBody,
  asking: DescribedRequest,
): Promise<SearchPage["results"]> {
  const all: SearchPage["results"] = [];
  let after: string | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    const found = await search(transport, type, { ...body, ...(after && { after }) }, asking);
    all.push(...found.results);
    after = found.after;
    if (after === undefined) break;
  }
  return all;
}
