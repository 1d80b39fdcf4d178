import { type EmulatorReply, type EmulatorRequest, Refusal, type Route } from "../server.ts";
import { notFoundMessage, refuse, restError } from "./errors.ts";
import type { Org } from "./org.ts";

type Part = {
  method: string;
  url: string;
  referenceId: string;
  body?: unknown;
  httpHeaders?: Record<string, string>;
};
type Answer = { reply: EmulatorReply; undo: () => void };

const mostParts = 25;
const nothing = (): void => {};

/** `/composite`: several requests in one, of which later ones may name what earlier ones answered (`@{ref.id}`). */
export function compositeRoute(org: Org, routes: readonly Route[]): Route {
  return {
    method: "POST",
    path: /\/services\/data\/v(\d+\.\d)\/composite\/?/,
    kind: "composite",
    async handle(request) {
      const { parts, allOrNone } = readParts(request.body);
      const answers = new Map<string, Answer>();
      for (const part of parts) {
        const answer = await answerPart(request, part, answers);
        answers.set(part.referenceId, answer);
        if (allOrNone && answer.reply.status >= 400) return response(parts, rolledBack(parts, answers));
      }
      return response(parts, answers);
    },
  };

  async function answerPart(
    request: EmulatorRequest,
    part: Part,
    answers: ReadonlyMap<string, Answer>,
  ): Promise<Answer> {
    const filled = fill({ url: part.url, body: part.body }, answers);
    if (!filled)
      return { reply: restError(400, "PROCESSING_HALTED", "Invalid reference specified."), undo: nothing };
    const url = new URL(filled.url, "http://emulator");
    const found = findRoute(routes, part.method, url.pathname);
    if (!found) return { reply: restError(404, "NOT_FOUND", notFoundMessage), undo: nothing };
    const inner: EmulatorRequest = {
      ...request,
      method: part.method,
      path: url.pathname,
      query: url.searchParams,
      headers: lowerCase({ ...request.headers, ...part.httpHeaders }),
      params: found.params,
      body: filled.body,
    };
    // Handlers write before they wait for anything, so that what is written meanwhile by others is not in the journal.
    const replies: Promise<EmulatorReply>[] = [];
    const undo = org.atomically(() => {
      replies.push(handle(found.route, inner));
      return true;
    });
    const [reply = { status: 500 }] = await Promise.all(replies);
    return { reply, undo };
  }
}

function rolledBack(parts: readonly Part[], answers: ReadonlyMap<string, Answer>): Map<string, Answer> {
  for (const { undo } of [...answers.values()].reverse()) undo();
  const message = "The transaction was rolled back since another operation in the same transaction failed.";
  const halted = { reply: restError(400, "PROCESSING_HALTED", message), undo: nothing };
  return new Map(
    parts.map(({ referenceId }) => {
      const answer = answers.get(referenceId);
      return [referenceId, answer && answer.reply.status >= 400 ? answer : halted];
    }),
  );
}

function response(parts: readonly Part[], answers: ReadonlyMap<string, Answer>): EmulatorReply {
  const compositeResponse = parts.map(({ referenceId }) => {
    const reply = answers.get(referenceId)?.reply;
    return {
      body: reply?.body ?? null,
      httpHeaders: reply?.headers ?? {},
      httpStatusCode: reply?.status ?? 500,
      referenceId,
    };
  });
  return { status: 200, body: { compositeResponse } };
}

async function handle(route: Route, request: EmulatorRequest): Promise<EmulatorReply> {
  try {
    return await route.handle(request);
  } catch (error) {
    if (error instanceof Refusal) return error.reply;
    throw error;
  }
}

function findRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): { route: Route; params: string[] } | undefined {
  for (const route of routes) {
    const match = route.method === method ? route.path.exec(path) : null;
    if (match?.[0].length !== path.length) continue;
    return { route, params: match.slice(1).map((group) => decodeURIComponent(group ?? "")) };
  }
  return undefined;
}

function readParts(body: unknown): { parts: Part[]; allOrNone: boolean } {
  const { compositeRequest, allOrNone } = (body ?? {}) as { compositeRequest?: Part[]; allOrNone?: unknown };
  if (!Array.isArray(compositeRequest)) {
    return refuse(400, "JSON_PARSER_ERROR", "The request has no compositeRequest at [line:1, column:1]");
  }
  if (compositeRequest.length > mostParts) {
    refuse(400, "INVALID_INPUT", `The composite request can't exceed ${mostParts} subrequests.`);
  }
  if (new Set(compositeRequest.map(({ referenceId }) => referenceId)).size < compositeRequest.length) {
    refuse(400, "INVALID_INPUT", "The referenceId of each subrequest must be unique.");
  }
  return { parts: compositeRequest, allOrNone: allOrNone === true };
}

/** Puts earlier answers in; undefined when one of them has no such value. */
function fill<T>(value: T, answers: ReadonlyMap<string, Answer>): T | undefined {
  let isWhole = true;
  const reference = /@\{(\w+)((?:\.\w+|\[\d+\])+)\}/g;
  const text = JSON.stringify(value).replace(reference, (_whole, name: string, path: string) => {
    let here = answers.get(name)?.reply.body;
    for (const step of path.match(/\w+/g) ?? []) here = (here as Record<string, unknown> | undefined)?.[step];
    if (here === undefined || here === null) isWhole = false;
    return JSON.stringify(String(here)).slice(1, -1);
  });
  return isWhole ? (JSON.parse(text) as T) : undefined;
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
