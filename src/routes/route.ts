import type { Express, Request, RequestHandler, Response } from "express";
import type { ZodObject, z } from "zod";
import { Rejected } from "../core/errors.ts";
import { readQuery } from "./query.ts";

export type Method = "get" | "post" | "put" | "delete";

/** `open`: for everybody. `admin`: behind the guard. `query`: the parameters it knows; absent = it takes any. */
export type Route = {
  method: Method;
  path: string;
  guard: "open" | "admin";
  query?: ZodObject;
  handle: (request: Request, response: Response) => unknown;
};

/** A guarded route whose query is checked before it is handled; unknown parameters are refused. */
export function adminRoute<Q extends ZodObject>(
  method: Method,
  path: string,
  query: Q,
  handle: (request: Request, response: Response, query: z.output<Q>) => unknown,
): Route {
  return {
    method,
    path,
    guard: "admin",
    query,
    handle: (request, response) => handle(request, response, readQuery(query, request.query)),
  };
}

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

/** A part of the path as it was before it was encoded. */
export function pathParameter(request: Request, name: string): string {
  const value = request.params[name];
  return typeof value === "string" ? value : "";
}
