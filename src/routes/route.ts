import type { Express, Request, RequestHandler, Response } from "express";
import { type ZodObject, type ZodType, z } from "zod";
import { Rejected } from "../core/errors.ts";
import { noQuery, readQuery } from "./query.ts";

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
  /** `open`: for everybody. `admin`: behind the guard. */
  guard: "open" | "admin";
  /** Absent for pages, which are not described. */
  summary?: string;
  query?: ZodObject;
  body?: ZodType;
  /** By status. */
  replies?: Readonly<Record<number, Reply>>;
};

export type Route = DescribedRoute & { handle: (request: Request, response: Response) => unknown };

type AdminRoute<Q extends ZodObject> = Omit<DescribedRoute, "guard"> & {
  query?: Q;
  handle: (request: Request, response: Response, query: z.output<Q>) => unknown;
};

/** A guarded route whose query is checked before it is handled; unknown parameters are refused. */
export function adminRoute<Q extends ZodObject = typeof noQuery>(route: AdminRoute<Q>): Route {
  const query = route.query ?? (noQuery as ZodObject as Q);
  return {
    ...route,
    guard: "admin",
    handle: (request, response) => route.handle(request, response, readQuery(query, request.query)),
  };
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
export function mountRoutes(app: Express, routes: readonly Route[], guard: RequestHandler): void {
  for (const [path, here] of Map.groupBy(routes, (route) => route.path)) {
    const mounted = app.route(path);
    if (here.some((route) => route.guard === "admin")) mounted.all(guard);
    for (const { method, handle } of here) {
      mounted[method](async (request, response) => {
        await handle(request, response);
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
