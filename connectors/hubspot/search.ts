import { nextOf, type Stored, storedIn } from "./rows.ts";
import type { AccountRequests } from "./transport.ts";

/** HubSpot refuses longer bodies. */
const longestBody = 3_000;
/** The cursor of a later page is longer than that of the first. */
const roomForCursor = 10;
const pageSize = 200;
/** Later pages are not read: that many contacts do not share a few numbers. */
const mostPages = 10;

/** A property, and for each wanted number or id the values that it may have there. */
export type Filter = { name: string; values: readonly (readonly string[])[] };

export type SearchBody = {
  filterGroups: { filters: Record<string, unknown>[] }[];
  properties: string[];
  limit: number;
  after?: string;
  sorts?: string[];
};

const firstPage = "0";

/** HubSpot's published specification of 2026-03 requires `after` and `sorts` in every search. */
function inFull({ after = firstPage, sorts = [], ...body }: SearchBody): Required<SearchBody> {
  return { ...body, after, sorts };
}

/** A page of found records. */
export type SearchPage = { results: ReturnType<typeof storedIn>; after?: string };

/** One request. Throws `CrmError`. */
export async function search(requests: AccountRequests, type: string, body: SearchBody): Promise<SearchPage> {
  const answer: unknown = await requests.search((client) =>
    client.crm.objects.searchApi.doSearch(
      type,
      inFull(body) as unknown as Parameters<typeof client.crm.objects.searchApi.doSearch>[1],
    ),
  );
  const after = nextOf(answer);
  return { results: storedIn(answer), ...(after && { after }) };
}

/**
 * The records with a value of any filter; at most five filters, for the same numbers or ids. The values are put into as
 * few requests as their length allows.
 */
export async function inSearches(
  requests: AccountRequests,
  { type, filters, properties }: { type: string; filters: readonly Filter[]; properties: readonly string[] },
): Promise<{ stored: Stored }[]> {
  const count = Math.max(...filters.map(({ values }) => values.length), 0);
  const bodies: SearchBody[] = [];
  let from = 0;
  while (from < count) {
    let to = from + 1;
    let body = bodyOf(filters, properties, from, to);
    for (; to < count; to += 1) {
      const more = bodyOf(filters, properties, from, to + 1);
      if (Buffer.byteLength(JSON.stringify(inFull(more))) > longestBody - roomForCursor) break;
      body = more;
    }
    bodies.push(body);
    from = to;
  }
  const found = await Promise.all(bodies.map((body) => allPages(requests, type, body)));
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
  requests: AccountRequests,
  type: string,
  body: SearchBody,
): Promise<SearchPage["results"]> {
  const all: SearchPage["results"] = [];
  let after: string | undefined;
  for (let page = 0; page < mostPages; page += 1) {
    const found = await search(requests, type, { ...body, ...(after && { after }) });
    all.push(...found.results);
    after = found.after;
    if (after === undefined) break;
  }
  return all;
}
