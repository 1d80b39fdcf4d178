import type { EmulatorReply, EmulatorRequest, Route } from "../contract.ts";
import { notFound, refuse } from "./refusals.ts";
import { type ObjectType, toObjectType } from "./types.ts";

export type ApiVersion = "2026-03" | "2026-09" | "v3" | "v4";

/** A request below `/crm/<area>/<version>`. `params`: the groups of the rest of its path. */
export type CrmRequest = EmulatorRequest & { version: ApiVersion };

/** Which scopes a request needs; one of each inner list. */
export type ScopeRule = (request: CrmRequest) => readonly (readonly string[])[];

export type CrmRoute = {
  method: string;
  area: string;
  /** The path after the version, as a pattern. */
  rest: string;
  kind: string;
  scopes: ScopeRule;
  handle(request: CrmRequest): EmulatorReply;
};

/** The dated path of a route and, when they are asked for, its old ones. */
export function toRoutes(route: CrmRoute, legacyPaths: boolean, authorize: Authorize): Route[] {
  const dated = `/${route.area}/(2026-03|2026-09)${route.rest}`;
  const old = `/${route.area.replace(/^crm\//, "crm/(v3|v4)/")}${route.rest}`;
  return [dated, ...(legacyPaths ? [old] : [])].map((path) => ({
    method: route.method,
    path: new RegExp(`^${path}$`),
    kind: route.kind,
    handle(request) {
      const [version = "2026-03", ...params] = request.params;
      const crmRequest = { ...request, params, version: version as ApiVersion };
      authorize(route.scopes(crmRequest), crmRequest);
      return route.handle(crmRequest);
    },
  }));
}

/** Throws a refusal unless all of the scopes were granted. */
export type Authorize = (needed: readonly (readonly string[])[], request: EmulatorRequest) => void;

export function typeParam(request: { params: string[] }, place = 0): ObjectType {
  const type = toObjectType(request.params[place] ?? "");
  if (!type) {
    const message = `Unable to infer object type from: ${request.params[place]}`;
    throw refuse({ ...notFound, status: 400, category: "VALIDATION_ERROR", message });
  }
  return type;
}

/** Scopes of objects: calls and tasks go with contacts. */
export function objectScope(type: ObjectType, right: "read" | "write"): string {
  if (type === "tickets") return "tickets";
  const name = type === "calls" || type === "tasks" ? "contacts" : type;
  return `crm.objects.${name}.${right}`;
}

/** A JSON object, or a refusal. */
export function bodyOf(request: EmulatorRequest): Record<string, unknown> {
  const { body } = request;
  if (typeof body === "object" && body !== null && !Array.isArray(body)) return { ...body };
  throw refuse({ status: 400, category: "VALIDATION_ERROR", message: "Invalid input JSON" });
}
