import {
  type Emulator,
  type EmulatorReply,
  type EmulatorRequest,
  type Route,
  startServer,
} from "../server.ts";
import { changesRoutes } from "./changes-routes.ts";
import { collectionRoutes } from "./collections.ts";
import { compositeRoute } from "./composite.ts";
import { describeRoutes } from "./describe.ts";
import { restError } from "./errors.ts";
import { createGate, limitReply } from "./gate.ts";
import { createLocks, lockError } from "./locks.ts";
import { oauthRoutes } from "./oauth-routes.ts";
import { createOrg, type OrgOptions, type OrgSettings } from "./org.ts";
import { pageOf } from "./page.ts";
import { createPeople, type People } from "./people.ts";
import { queryRoutes } from "./query-routes.ts";
import { recordRoutes, unknownPath } from "./record-routes.ts";
import { createSessions } from "./sessions.ts";
import { searchRoutes } from "./sosl-run.ts";

export { proceduralNumber } from "./procedural.ts";

export type SalesforceOptions = OrgOptions & {
  clientId?: string;
  clientSecret?: string;
  /** PEM of the JWT bearer flow's certificate or key. */
  publicKey?: string;
  /** A token that is valid from the start. */
  accessToken?: string;
  /** Life of an issued access token; for ever when absent. */
  tokenSeconds?: number;
  /** The highest version of the API, for example "67.0". */
  version?: string;
  latencyMs?: number;
  port?: number;
};

export type SalesforceEmulator = Emulator & {
  people: People;
  /** May be changed at any time. */
  settings: OrgSettings;
  /** Ends all access tokens that were issued; refresh tokens stay. */
  expireTokens(): void;
  /** A refresh token of a user who approved the app. */
  approve(): string;
  readonly tokenRequests: number;
  dailyLimit: number;
};

/** A Salesforce org that refuses what the real one refuses. */
export async function startSalesforce(options: SalesforceOptions = {}): Promise<SalesforceEmulator> {
  const org = createOrg(options);
  const [organization] = [...org.table("Organization").stored()];
  const organizationId = organization?.Id ?? "";
  const highest = Number(options.version ?? "67.0");
  const sessions = createSessions({
    now: org.now,
    organizationId,
    accessToken: options.accessToken,
    tokenSeconds: options.tokenSeconds ?? Number.POSITIVE_INFINITY,
    userId: org.userId,
  });
  const gate = createGate(org, sessions, highest);
  const locks = createLocks(() => emulator.latencyMs);
  let tokenRequests = 0;
  const data = [
    ...collectionRoutes(org, locks),
    ...queryRoutes(org),
    ...searchRoutes(org),
    ...describeRoutes(org),
    ...changesRoutes(org),
    limitsRoute(),
    ...recordRoutes(org, locks),
  ];
  const emulator = await startServer({
    ...(options.port === undefined ? {} : { port: options.port }),
    latencyMs: options.latencyMs ?? 0,
    now: org.now,
    routes: [
      ...oauthRoutes(org, {
        clientId: options.clientId ?? "client",
        clientSecret: options.clientSecret ?? "secret",
        publicKey: options.publicKey,
        url: () => emulator.url,
        organizationId,
        sessions,
        onToken: () => tokenRequests++,
      }),
      versionsRoute(highest),
      compositeRoute(org, data),
      ...data,
    ],
    before: gate.check,
    headers: gate.headers,
    fault(fault, request) {
      if (fault.type === "limit") return limitReply();
      return fault.type === "lock" ? lockedReply(request) : undefined;
    },
    notFound: unknownPath,
    malformed: () => restError(400, "JSON_PARSER_ERROR", "Unexpected character at [line:1, column:1]"),
    objects: () => Object.fromEntries(org.types().map(({ name }) => [name, org.table(name).liveCount()])),
    settings: {
      withPackage: (value) => set({ withPackage: value === true }),
      isAdmin: (value) => set({ isAdmin: value === true }),
      dailyLimit: (value) => set({ dailyLimit: Number(value) }),
      searchLagMs: (value) => set({ searchLagMs: Number(value) }),
      duplicateRule: (value) =>
        set({ duplicateRule: value === "block" || value === "off" ? value : "alert" }),
      parseErrors: (value) => set({ parseErrors: value === "request" ? "request" : "row" }),
    },
    page: () => pageOf(org),
  });
  return Object.defineProperties(emulator, {
    people: { value: createPeople(org) },
    settings: { value: org.settings },
    expireTokens: { value: sessions.expire },
    approve: { value: () => sessions.grant(org.userId).refreshToken },
    tokenRequests: { get: () => tokenRequests },
    dailyLimit: {
      get: () => org.settings.dailyLimit,
      set: (dailyLimit: number) => set({ dailyLimit }),
    },
  }) as SalesforceEmulator;

  function set(change: Partial<OrgSettings>): void {
    Object.assign(org.settings, change);
  }

  function limitsRoute(): Route {
    return {
      method: "GET",
      path: /\/services\/data\/v(\d+\.\d)\/limits\/?/,
      kind: "limits",
      handle() {
        const { dailyLimit } = org.settings;
        const DailyApiRequests = { Max: dailyLimit, Remaining: Math.max(0, dailyLimit - gate.used()) };
        return {
          status: 200,
          body: { DailyApiRequests, ConcurrentAsyncGetReportInstances: { Max: 200, Remaining: 200 } },
        };
      },
    };
  }
}

function versionsRoute(highest: number): Route {
  return {
    method: "GET",
    path: /\/services\/data\/?/,
    kind: "versions",
    handle() {
      const versions = Array.from({ length: highest - 30 }, (_, index) => `${index + 31}.0`);
      return {
        status: 200,
        body: versions.map((version) => ({
          label: `v${version}`,
          url: `/services/data/v${version}`,
          version,
        })),
      };
    },
  };
}

/** All rows of a write are locked by somebody else. */
function lockedReply({ body, method }: EmulatorRequest): EmulatorReply | undefined {
  if (method === "GET") return undefined;
  const error = lockError(["a record that somebody else writes"]);
  const { records } = (body ?? {}) as { records?: unknown };
  if (Array.isArray(records)) {
    return { status: 200, body: records.map(() => ({ success: false, errors: [error] })) };
  }
  return restError(400, error.statusCode, error.message, []);
}
