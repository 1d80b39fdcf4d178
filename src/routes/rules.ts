import type { Request, RequestHandler, Response } from "express";
import type { Change } from "../access/audit.ts";
import type { Access } from "../access/index.ts";
import { ConfigError, Rejected } from "../core/errors.ts";
import { hasRight, type Principal, type Right, sees } from "../core/principal.ts";
import { addressOf, createGuard } from "./guard.ts";

/** What is checked and noted around every guarded route. */
export type Rules = {
  guard: RequestHandler;
  handle: (route: RuledRoute, request: Request, response: Response) => Promise<void>;
};

type RuledRoute = {
  method: string;
  path: string;
  needs?: readonly Right[];
  isReading?: (request: Request) => boolean;
  handle: (request: Request, response: Response) => unknown;
};

export function createRules(parts: { access: Access; config: { publicUrl: string } }): Rules {
  const guard = createGuard(parts);
  const { audit } = parts.access;
  return {
    guard: (request, response, next) => {
      const admit = (principal: Principal | undefined): void => {
        if (!principal) return;
        response.locals["principal"] = principal;
        next();
      };
      const found = guard(request, response);
      if (!(found instanceof Promise)) return admit(found);
      return found.then(admit);
    },

    async handle(route, request, response) {
      const principal = principalOf(response);
      const work = async () => {
        refuseOthersObject(request, principal);
        refuseWithoutRights(route.needs, principal);
        await route.handle(request, response);
      };
      if (route.method === "get" || route.isReading?.(request)) return work();
      const end = await audit.begin({
        ...objectIn(request, principal),
        ...lineOf(route, request),
        by: principal,
      });
      try {
        await work();
      } catch (error) {
        await end(statusOf(error), changeIn(response));
        throw error;
      }
      await end(response.statusCode, changeIn(response));
    },
  };
}

/** Who makes this request, of a guarded route. */
export function principalOf({ locals }: Response): Principal {
  const principal = locals["principal"] as Principal | undefined;
  if (principal) return principal;
  throw new Error("a route without a guard has no principal");
}

/** Adds to the line of the audit log what this request changes. */
export function noteChange({ locals }: Response, change: Change): void {
  locals["change"] = { ...(locals["change"] as Change | undefined), ...change };
}

function changeIn({ locals }: Response): Change | undefined {
  return locals["change"] as Change | undefined;
}

/** What an audit line says of a request before it is handled. */
export function lineOf({ method, path }: Pick<RuledRoute, "method" | "path">, request: Request) {
  return { action: `${method.toUpperCase()} ${path}`, address: addressOf(request) };
}

const longestObject = 300;

/** The parameters of the path are the object: the name of an installation, the key of a call, an id. */
function objectIn({ params }: Request, principal: Principal): Pick<Change, "object" | "installation"> {
  const values = Object.values(params).map(String);
  const installation = installationIn(params) ?? principal.installation;
  return {
    ...(values.length > 0 && { object: values.join(" ").slice(0, longestObject) }),
    ...(installation !== undefined && { installation: installation.slice(0, longestObject) }),
  };
}

/** The installation that the path names, by itself or within the key of a call. */
function installationIn({ name, key }: Request["params"]): string | undefined {
  if (typeof name === "string") return name;
  return typeof key === "string" ? key.split(":", 1)[0] : undefined;
}

/** The answer must not differ from that for what does not exist. */
function refuseOthersObject({ params }: Request, principal: Principal): void {
  const installation = installationIn(params);
  if (installation === undefined || sees(principal, installation)) return;
  throw typeof params["key"] === "string" ? noSuchCall(params["key"]) : noSuchInstallation(installation);
}

function refuseWithoutRights(needs: readonly Right[] = [], principal: Principal): void {
  const missing = needs.filter((right) => !hasRight(principal, right));
  if (missing.length === 0) return;
  throw new Rejected(
    403,
    `this needs the right ${missing.map((right) => `"${right}"`).join(" and ")}, which ${principal.name} (${principal.role}) does not have: an operator can give it`,
  );
}

export function noSuchInstallation(name: string): Rejected {
  return new Rejected(
    404,
    `there is no installation ${JSON.stringify(name.slice(0, 40))}: GET /api/installations lists them`,
  );
}

export function noSuchCall(key: string): Rejected {
  return new Rejected(
    404,
    `there is no call ${JSON.stringify(key.slice(0, 200))}: GET /api/calls lists them`,
  );
}

/** Express and its parsers give a client's mistake its status. */
export function statusOf(error: unknown): number {
  if (error instanceof Rejected) return error.status;
  if (error instanceof ConfigError) return 422;
  const status = error instanceof Error && "status" in error ? Number(error.status) : 500;
  return status >= 400 && status < 500 ? status : 500;
}
