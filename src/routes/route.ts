import type { Express, Request, Response } from "express";
import { type ZodObject, type ZodType, z } from "zod";
import { directions, outcomes } from "../core/call.ts";
import { Rejected } from "../core/errors.ts";
import { identityOf } from "../core/phone.ts";
import type { Principal, Right } from "../core/principal.ts";
import { callStates } from "../core/tracked-call.ts";
import { noSuchInstallation, principalOf, type Rules } from "./rules.ts";

type Method = "get" | "post" | "put" | "delete";

type Body = {
  /** One sentence. */
  about: string;
  /** The media type of the body, if there is one. */
  type?: string;
  schema?: ZodType;
};

/** A sentence alone: an error with a JSON body. */
export type Reply = Body | string;

/** A route in the description of the API. */
export type DescribedRoute = {
  method: Method;
  path: string;
  /** `open`: for everybody. `admin`: behind the guard, for those with the rights in `needs`. */
  guard: "open" | "admin";
  needs?: readonly Right[];
  /** Absent for pages, which are not described. */
  summary?: string;
  query?: ZodObject;
  body?: ZodType;
  /** By status. */
  replies?: Readonly<Record<number, Reply>>;
};

export type Route = DescribedRoute & {
  handle: (request: Request, response: Response) => unknown;
  /** Whether this request changes nothing, although its method says so: it is not audited. */
  isReading?: (request: Request) => boolean;
};

type AdminRoute<Q extends ZodObject> = Omit<Route, "guard" | "needs" | "handle"> & {
  /** The right or rights that it needs. */
  needs: Right | readonly Right[];
  query?: Q;
  /** A page whose query is read in the browser. */
  anyQuery?: boolean;
  handle: (request: Request, response: Response, query: z.output<Q>, principal: Principal) => unknown;
};

/**
 * A guarded route whose query is checked before it is handled; unknown parameters are refused. A principal of one
 * installation gets 404 for another `:name`, for another's `:key` of a call, and for another `installation` in the query,
 * which is theirs when it is left out. Whatever else the route reads, it limits to `principal.installation` itself.
 */
export function adminRoute<Q extends ZodObject = typeof noQuery>(route: AdminRoute<Q>): Route {
  const none = route.anyQuery ? anyQuery : noQuery;
  const query = route.query ?? (none as ZodObject as Q);
  return {
    ...route,
    guard: "admin",
    needs: [route.needs].flat() as Right[],
    handle: (request, response) => {
      const principal = principalOf(response);
      const given = readQuery(query, request.query);
      return route.handle(request, response, ownPart(query, given, principal), principal);
    },
  };
}

function ownPart<Q extends ZodObject>(
  schema: Q,
  query: z.output<Q>,
  { installation }: Principal,
): z.output<Q> {
  if (installation === undefined || !("installation" in schema.shape)) return query;
  const { installation: wanted = installation } = query as { installation?: string };
  if (wanted !== installation) throw noSuchInstallation(wanted);
  return { ...query, installation };
}

/** Parts of many replies. */
export const text = z.string();
export const time = z.iso.datetime();
export const anyObject = z.record(text, z.unknown());

export function json(about: string, schema: ZodType): Body {
  return { about, type: "application/json", schema };
}

/** A body that is not one JSON value. `schema`: of each JSON value in it. */
export function content(about: string, type: string, schema?: ZodType): Body {
  return { about, type, ...(schema && { schema }) };
}

/** Replies of many routes. */
export const badQuery = { 400: "A parameter is wrong: which one, and the cure." };
export const noCall = { 404: "There is no such call." };
export const noInstallation = { 404: "There is no such installation." };

/** Mounts the routes; a path with one guarded route is guarded for all methods. */
export function mountRoutes(app: Express, routes: readonly Route[], rules: Rules): void {
  for (const [path, here] of Map.groupBy(routes, (route) => route.path)) {
    const mounted = app.route(path);
    if (here.some((route) => route.guard === "admin")) mounted.all(rules.guard);
    for (const route of here) {
      mounted[route.method](async (request, response) => {
        if (route.guard === "open") await route.handle(request, response);
        else await rules.handle(route, request, response);
      });
    }
    const allowed = here.map(({ method }) => method.toUpperCase()).join(", ");
    mounted.all((request, response) => {
      response.setHeader("allow", allowed);
      throw new Rejected(405, `${request.method} is not possible here: use ${allowed}`);
    });
  }
}

/** A decoded part of the path. */
export function pathParameter(request: Request, name: string): string {
  const value = request.params[name];
  return typeof value === "string" ? value : "";
}

const identifier = parameter(
  /^[a-z0-9][a-z0-9-]{0,39}$/,
  "give one name of small letters, digits and dashes",
);
const utcTime = parameter(
  /^2\d\d\d-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/,
  "give a date or a time in UTC, e.g. 2026-01-02 or 2026-01-02T03:04:05Z",
).refine((value) => Number.isFinite(Date.parse(value)), { error: "there is no such day or time" });

export const failureGroup = parameter(/^[0-9a-f]{12}$/, "give the `group` of one in GET /api/dead/groups");

const noQuery = z.strictObject({});
const anyQuery = z.object({});

export const pageQuery = z.strictObject({
  installation: identifier.optional(),
  limit: parameter(/^([1-9]\d?|1\d\d|200)$/, "give a whole number from 1 to 200")
    .transform(Number)
    .optional()
    .meta({ description: "1 to 200; 50 when it is left out." }),
  cursor: parameter(/^\d{1,16}$/, "give the `next` of the page before, or leave it out")
    .transform(Number)
    .optional()
    .meta({ description: "`next` of the page before." }),
});

export const callQuery = pageQuery.extend({
  provider: identifier.optional(),
  state: z.enum(callStates, { error: `give one of ${callStates.join(", ")}` }).optional(),
  number: parameter(/^.{1,40}$/, "give one phone number, e.g. +31612345678")
    .optional()
    .meta({ description: "The customer's number, E.164 or national." }),
  direction: z.enum(directions, { error: `give one of ${directions.join(", ")}` }).optional(),
  outcome: z.enum(outcomes, { error: `give one of ${outcomes.join(", ")}` }).optional(),
  agent: shortText("give the e-mail address or the provider's id of one agent").optional().meta({
    description: "The agent who talked last, or else was called first: e-mail address or the provider's id.",
  }),
  line: shortText("give one of the company's own lines")
    .optional()
    .meta({ description: "As the provider names it." }),
  contact: shortText("give the CRM's id of one contact").optional(),
  matched: yesNo("yes or no: whether the call has a contact").optional(),
  recording: yesNo("yes or no: whether the call has a recording").optional(),
  group: failureGroup.optional().meta({
    description: "A group of `GET /api/dead/groups`: only dead calls of this group.",
  }),
  q: shortText("give a phone number, the name of a contact, or the id of a call").optional().meta({
    description: "A phone number in any form, the name of a contact, a key, or the provider's id of a call.",
  }),
  since: utcTime.optional().meta({ description: "First received at this time (UTC) or later." }),
  until: utcTime.optional().meta({ description: "First received before this time (UTC)." }),
});

export type CallQuery = z.output<typeof callQuery>;

/** A line of up to 200 characters. */
export function shortText(error: string) {
  return parameter(/^.{1,200}$/su, error);
}

function yesNo(error: string) {
  return z.enum(["yes", "no"], { error }).transform((value) => value === "yes");
}

export const unusedQuery = pageQuery.omit({ cursor: true });

export const previewQuery = z.strictObject({
  preview: z
    .literal("1", { error: "give 1 to see what would change, or leave it out to save" })
    .optional()
    .meta({ description: "1: save nothing, only show what would change." }),
});

/** A single text, with one sentence for any error. */
function parameter(pattern: RegExp, error: string) {
  return z.string({ error }).regex(pattern, { error });
}

/** Throws `Rejected(400)` that names every wrong parameter and how to correct it. */
export function readQuery<Q extends ZodObject>(schema: Q, query: unknown): z.output<Q> {
  const result = schema.safeParse(query);
  if (result.success) return result.data;
  const known = Object.keys(schema.shape).join(", ") || "none";
  const problems = result.error.issues.map((issue) => {
    if (issue.code !== "unrecognized_keys") return `${issue.path.join(".")}: ${issue.message}`;
    const names = issue.keys.map((key) => JSON.stringify(key.slice(0, 40))).join(", ");
    return `there is no parameter ${names}: known here are ${known}`;
  });
  throw new Rejected(400, problems.join("; "));
}

/** The number to filter by, in the form that calls are indexed by. Throws `Rejected(400)`. */
export function numberToFilter(raw: string, region: string): string {
  const number = identityOf(raw, region);
  if (number) return number;
  throw new Rejected(
    400,
    "number: this is no phone number; give it in international form, e.g. %2B31612345678 (an encoded +)",
  );
}
