import type { ProviderEmulator } from "../provider.ts";
import { type EmulatorReply, type EmulatorRequest, type Route, startServer } from "../server.ts";
import { createBook } from "./calls.ts";
import { listRoute } from "./list.ts";
import { problem, refuse } from "./problems.ts";
import { createFiles } from "./recordings.ts";

/**
 * `signed`: links to recordings are signed and expire (`opt_in_signed_url`), after `linkLifeMs`. `recordingsAt`: where links
 * lead instead of to this emulator. `perMinute`: requests that the account may make; Retell publishes no figure.
 */
export type RetellOptions = {
  now?: () => number;
  port?: number;
  apiKeys?: string[];
  signed?: boolean;
  linkLifeMs?: number;
  recordingsAt?: string;
  perMinute?: number;
};

/** May be changed at any time. */
type RetellAccount = { apiKeys: string[]; perMinute: number };

export type RetellEmulator = ProviderEmulator & { account: RetellAccount };

/** Retell AI's API with the calls of one account. Its webhooks are sent by `simulate`. */
export async function startRetell(options: RetellOptions = {}): Promise<RetellEmulator> {
  const { now = Date.now, signed = false, linkLifeMs } = options;
  const account: RetellAccount = {
    apiKeys: options.apiKeys ?? ["retell-secret"],
    perMinute: options.perMinute ?? Number.POSITIVE_INFINITY,
  };
  const files = createFiles({
    now,
    signed: () => signed,
    place: () => options.recordingsAt ?? `${emulator.url}/recordings`,
    ...(linkLifeMs !== undefined && { lifeMs: linkLifeMs }),
  });
  const book = createBook({ now, linkOf: files.linkOf, signed: () => signed });
  const asked: number[] = [];

  const emulator = await startServer({
    now,
    ...(options.port !== undefined && { port: options.port }),
    routes: [listRoute(book), getRoute(), files.route(book)],
    before: (request, route) => (route?.kind === "recording" ? undefined : turnAway(request)),
    malformed: () => problem(400),
    notFound: () => problem(404),
    objects: () => ({ calls: book.size() }),
    settings: {
      perMinute(value) {
        account.perMinute = Number(value);
      },
    },
  });
  const settings = { apiKey: account.apiKeys[0] ?? "", apiUrl: emulator.url };
  return Object.assign(emulator, { settings, place: book.place, account });

  function turnAway({ headers }: EmulatorRequest): EmulatorReply | undefined {
    const [scheme, key] = (headers["authorization"] ?? "").split(" ", 2);
    if (scheme !== "Bearer" || !account.apiKeys.includes(key ?? "")) return problem(401);
    while (asked[0] !== undefined && asked[0] <= now() - 60_000) asked.shift();
    if (asked.length >= account.perMinute) return problem(429);
    asked.push(now());
    return undefined;
  }

  function getRoute(): Route {
    return {
      method: "GET",
      path: /\/v2\/get-call\/([^/]+)/,
      kind: "get",
      handle: ({ params: [callId = ""] }) => ({ status: 200, body: book.get(callId) ?? refuse(422) }),
    };
  }
}
