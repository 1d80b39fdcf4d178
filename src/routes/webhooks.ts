import type { IncomingMessage, ServerResponse } from "node:http";
import { messageOf, Rejected, StoreError } from "../core/errors.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import { admit, receive } from "../flow/webhooks/receive.ts";
import { type TestWebhooks, testHeader, understand } from "../flow/webhooks/test-webhook.ts";
import type { BodyRoom } from "../lib/body-room.ts";
import type { RefusalNotes } from "../server/refused-webhooks.ts";
import { withBody } from "./body.ts";
import { refuseStrangersOfDemo } from "./guard.ts";
import { anyObject, type DescribedRoute, json } from "./route.ts";

export type DoorOptions = {
  flow: Flow;
  installation: (name: string) => Installation | undefined;
  /** Follows what other instances have changed; absent when there can be none. */
  catchUp?: (() => Promise<void>) | undefined;
  /** Called once a delivery is durable. */
  received: (installation: string) => void;
  publicUrl: string;
  room: BodyRoom;
  /** The largest body in bytes for all providers; each provider has its own default. */
  bodyBytes?: number | undefined;
  isDemo: boolean;
  /** Where refused webhooks of a provider that is set up are noted. */
  refusals: Pick<RefusalNotes, "note">;
  testWebhooks: Pick<TestWebhooks, "isTest">;
};

const description = {
  summary: "A provider's delivery, with its own proof. 2xx once its bytes are durable.",
  replies: {
    200: json("Accepted; for a question of an AI agent the answer.", anyObject),
    400: "Not one of this provider's deliveries.",
    401: "The signature or the secret is wrong.",
    404: "There is no such installation or provider.",
    405: "The provider does not use this method.",
    413: "The body is too large.",
    415: "The body is compressed.",
    503: "It could not be stored just now: send it again.",
  },
};

/** The routes of the door, for the description of the API. */
export const doorRoutes: readonly DescribedRoute[] = [
  { method: "post", path: "/webhooks/:installation/:provider", guard: "open", ...description },
  {
    method: "get",
    path: "/webhooks/:installation/:provider",
    guard: "open",
    ...description,
    summary: "The same, for Exotel.",
  },
];

const usualBodyBytes = 1_048_576;

/** `POST /webhooks/:installation/:provider`; the query may carry the secret. */
const route = /^\/webhooks\/([^/?]+)\/([^/?]+)\/?(?:\?(.*))?$/s;
const accepted = '{"ok":true}';

/**
 * Handles webhooks straight from Node's request, without Express, which costs several times as much as the rest.
 * Returns false for any other path.
 */
export function webhookDoor(
  options: DoorOptions,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const { flow } = options;

  const fail = (response: ServerResponse, provider: string, installation: string, error: unknown): void => {
    if (error instanceof Rejected) {
      const { status } = error;
      flow.meter.refused(provider, status);
      const known = options.installation(installation)?.providers;
      if (known && Object.hasOwn(known, provider))
        options.refusals.note({ installation, provider, status, reason: error.message });
      flow.limitedLog.info({ installation, provider, status, reason: error.message }, "webhook turned away");
      if (error.retryAfterSeconds !== undefined) response.setHeader("retry-after", error.retryAfterSeconds);
      send(response, error.status, JSON.stringify({ error: error.message }));
      return;
    }
    flow.meter.refused(provider, 503);
    flow.limitedLog.seldom(
      "error",
      { installation, provider, err: error },
      error instanceof StoreError
        ? `webhooks cannot be stored (${messageOf(error)}); providers get 503 and send them again. The cure: ${error.cure}`
        : "a webhook could not be taken because of an error of ours; the provider gets 503 and sends it again",
    );
    response.setHeader("retry-after", "5");
    send(response, 503, '{"error":"the webhook could not be stored just now: send it again"}');
  };

  return (request, response) => {
    const match = route.exec(request.url ?? "");
    if (!match) return false;
    const [, name = "", provider = "", query = ""] = match;
    take(options, request, { name, provider, query }).then(
      (body) => send(response, 200, body),
      (error: unknown) => fail(response, provider.slice(0, 40), name.slice(0, 40), error),
    );
    return true;
  };
}

async function take(
  {
    flow,
    installation: find,
    catchUp,
    received,
    publicUrl,
    room,
    bodyBytes,
    isDemo,
    testWebhooks,
  }: DoorOptions,
  request: IncomingMessage,
  { name, provider, query }: { name: string; provider: string; query: string },
): Promise<string> {
  if (isDemo) refuseStrangersOfDemo(request);
  let installation = find(name);
  if (!installation && catchUp) {
    // Another instance may have connected it a moment ago.
    await catchUp();
    installation = find(name);
  }
  if (!installation)
    throw new Rejected(
      404,
      `there is no installation ${JSON.stringify(name.slice(0, 40))}: check the webhook URL`,
    );
  const { rest, secret } = splitSecret(query);
  const head = {
    installation: name,
    provider,
    receivedAt: new Date(flow.now()).toISOString(),
    method: request.method ?? "POST",
    url: rest === "" ? `/webhooks/${name}/${provider}` : `/webhooks/${name}/${provider}?${rest}`,
    headers: request.headers as Record<string, string>,
  };
  const proof = {
    now: flow.now(),
    publicUrl: `${publicUrl}${request.url}`,
    ...(secret !== undefined && { secretInUrl: secret }),
  };
  const admitted = admit(installation, head, proof);
  const reading = {
    limit: bodyBytes ?? admitted.configured.provider.bodyBytes ?? usualBodyBytes,
    room,
    isProved: admitted.checkBody === undefined,
  };
  const test = request.headers[testHeader];
  const isTest =
    typeof test === "string" && (await testWebhooks.isTest(test, `/webhooks/${name}/${provider}`));
  return withBody(request, reading, async (body) => {
    if (isTest) {
      admitted.checkBody?.(body);
      return JSON.stringify({ ok: true, test: understand(admitted.configured, { ...admitted.head, body }) });
    }
    const receipt = await receive(flow, installation, admitted, body);
    received(name);
    flow.meter.received(provider);
    flow.log.info(
      { installation: name, provider, kind: receipt.kind, bytes: body.length },
      "delivery received",
    );
    return receipt.body === undefined ? accepted : JSON.stringify(receipt.body);
  });
}

/** Removes `key=…` from the query, so that the secret is neither stored nor logged; the rest stays as sent. */
function splitSecret(query: string): { rest: string; secret?: string } {
  if (!query.includes("key=")) return { rest: query };
  const parts = query.split("&");
  const key = parts.find((part) => part.startsWith("key="));
  if (key === undefined) return { rest: query };
  return { rest: parts.filter((part) => !part.startsWith("key=")).join("&"), secret: decoded(key.slice(4)) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

/** As text: Node then sends headers and body in one write. */
function send(response: ServerResponse, status: number, body: string): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "x-content-type-options": "nosniff",
  });
  response.end(body);
}
