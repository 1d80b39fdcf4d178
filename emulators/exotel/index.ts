import type { ProviderEmulator } from "../provider.ts";
import { type EmulatorReply, type EmulatorRequest, type Route, startServer } from "../server.ts";
import { type AnswerOptions, answerOf, isOver } from "./answer.ts";
import { type Calls, createCalls, type PlacedCall } from "./calls.ts";
import { asXml, restException } from "./errors.ts";
import { type Listing, listingOf } from "./listing.ts";
import { type BulkQuestion, bulkQuestion, validityOf } from "./question.ts";
import { preSigned, recordingPath, recordingRoute } from "./recordings.ts";

/**
 * `bulkDetails`: the bulk list tells legs when asked for details (unverified). `listsOngoing`: it lists calls that are
 * not over; Exotel's pages disagree. `recordingsAt`: where the links to recordings lead, this emulator when absent.
 */
export type ExotelOptions = {
  now?: () => number;
  port?: number;
  latencyMs?: number;
  secret?: string;
  accountSid?: string;
  apiKey?: string;
  apiToken?: string;
  requestsPerMinute?: number;
  bulkDetails?: boolean;
  listsOngoing?: boolean;
  recordingsAt?: string;
};

export type ExotelEmulator = ProviderEmulator &
  Pick<Calls, "placeRow"> & {
    /** A link to a call's recording that is good for some minutes. */
    preSignedUrl(sid: string, minutes?: number): string;
  };

/** Exotel's Calls API (v1) and its recordings. */
export async function startExotel(options: ExotelOptions = {}): Promise<ExotelEmulator> {
  const { now = Date.now, accountSid = "demo", apiKey = "exotel-api-key" } = options;
  const { apiToken = "exotel-api-token", secret = "exotel-secret" } = options;
  const { bulkDetails = true, listsOngoing = false, recordingsAt } = options;
  let { requestsPerMinute = 200 } = options;
  const calls = createCalls();
  const login = `Basic ${Buffer.from(`${apiKey}:${apiToken}`).toString("base64")}`;
  const mayListen = ({ headers }: EmulatorRequest) => headers["authorization"] === login;
  const minute = { since: Number.NEGATIVE_INFINITY, count: 0 };

  const emulator = await startServer({
    now,
    latencyMs: options.latencyMs ?? 0,
    ...(options.port !== undefined && { port: options.port }),
    routes: [
      inBothForms("call", /\/v1\/Accounts\/([^/]+)\/Calls\/([^/]+?)(?:\.json)?$/, detailsReply),
      inBothForms("calls", /\/v1\/Accounts\/([^/]+)\/Calls(?:\.json)?$/, bulkReply),
      recordingRoute({ accountSid, calls, now, mayListen }),
    ],
    before(request, route) {
      if (route?.kind === "recording" || !request.path.startsWith("/v1/")) return undefined;
      const refused = gate(request);
      return refused && !request.path.endsWith(".json") ? asXml(refused) : refused;
    },
    notFound: ({ path }) => restException(404, `${path} is not there`),
    objects: () => ({ calls: calls.listed((placed) => placed).length }),
    settings: { requestsPerMinute: (value) => (requestsPerMinute = Number(value)) },
  });
  const pathOf = (sid: string) => recordingPath(accountSid, sid);
  const preSignedUrl = (sid: string, minutes = 5) =>
    `${emulator.url}${preSigned(pathOf(sid), now(), minutes)}`;
  return Object.assign(emulator, {
    settings: { secret, accountSid, apiKey, apiToken, apiUrl: emulator.url },
    place: calls.place,
    placeRow: calls.placeRow,
    preSignedUrl,
  });

  /** unverified: that a foreign account is a 404, and how a minute is counted. */
  function gate(request: EmulatorRequest): EmulatorReply | undefined {
    if (!mayListen(request))
      return { ...restException(401, "Authentication failed"), headers: { "www-authenticate": "Basic" } };
    if (now() - minute.since >= 60_000) Object.assign(minute, { since: now(), count: 0 });
    minute.count += 1;
    if (minute.count > requestsPerMinute) return restException(429, "Too many requests");
    const account = decodeURIComponent(request.path.split("/")[3] ?? "");
    return account === accountSid ? undefined : restException(404, `Account ${account} is not there`);
  }

  function inBothForms(
    kind: string,
    path: RegExp,
    answer: (request: EmulatorRequest) => EmulatorReply,
  ): Route {
    const handle = (request: EmulatorRequest) =>
      request.path.endsWith(".json") ? answer(request) : asXml(answer(request));
    return { method: "GET", path, kind, handle };
  }

  function detailsReply({ params: [, sid = ""], query }: EmulatorRequest): EmulatorReply {
    const answering = answeringOf(query.get("details") === "true", validityOf(query));
    const placed = calls.find(sid);
    if (!placed || now() < placed.startedAt) return restException(404, "Call not found");
    const { PhoneNumber, ...Call } = answerOf(placed, answering);
    return { status: 200, body: { Call } };
  }

  function bulkReply({ query }: EmulatorRequest): EmulatorReply {
    const question = bulkQuestion(query, now());
    const answering = answeringOf(question.details && bulkDetails, validityOf(query));
    const listed = calls.listed((placed) => (isTold(placed) ? answerOf(placed, answering) : undefined));
    const listing = listingOf(
      listed.filter(({ row }) => matches(row, question)),
      question,
    );
    const Calls = listing.page.map(({ row }) => row);
    return { status: 200, body: { Metadata: metadataOf(listing, query, question), Calls } };
  }

  function isTold(placed: PlacedCall): boolean {
    return now() >= placed.startedAt && (listsOngoing || isOver(placed, now()));
  }

  function answeringOf(details: boolean, minutes: number): AnswerOptions {
    return {
      accountSid,
      now: now(),
      details,
      recordingUrl: (sid) => `${recordingsAt ?? emulator.url}${pathOf(sid)}`,
      preSignedUrl: (sid) => preSignedUrl(sid, minutes),
    };
  }

  function metadataOf(listing: Listing, query: URLSearchParams, { pageSize }: BulkQuestion) {
    const uri = (cursor: Record<string, string>) => {
      const next = new URLSearchParams(query);
      for (const name of ["After", "Before"]) next.delete(name);
      for (const [name, value] of Object.entries(cursor)) next.set(name, value);
      return `/v1/Accounts/${accountSid}/Calls.json?${next}`;
    };
    return {
      Total: listing.total,
      PageSize: pageSize,
      FirstPageUri: uri({}),
      PrevPageUri: listing.before === undefined ? null : uri({ Before: listing.before }),
      NextPageUri: listing.after === undefined ? null : uri({ After: listing.after }),
    };
  }
}

function matches(row: unknown, { statuses, directions }: BulkQuestion): boolean {
  const { Status, Direction } = (row ?? {}) as Record<string, unknown>;
  if (statuses && !statuses.includes(String(Status))) return false;
  return !directions || directions.includes(String(Direction));
}
