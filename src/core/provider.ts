import type { ZodType } from "zod";
import type { CallEvent, FoldedCall, Outcome, Scalar } from "./call.ts";
import type { AudioReply, AudioRequest } from "./recording.ts";

/** One HTTP request of a provider. */
export type Delivery = {
  installation: string;
  provider: string;
  /** ISO 8601 in UTC with milliseconds. */
  receivedAt: string;
  method: string;
  /** Path and query as sent, without the webhook secret. */
  url: string;
  /** Names are in lower case. */
  headers: Readonly<Record<string, string>>;
  /** The exact bytes. */
  body: Uint8Array;
};

/** What is known of a request before its body. */
export type DeliveryHead = Omit<Delivery, "body">;

/** Checks that a signature is about this body. Throws `Rejected(401)`. */
export type BodyCheck = (body: Uint8Array) => void;

/** What proves a request besides its head. */
export type Proof = {
  /** Milliseconds since 1970. */
  now: number;
  /** The whole URL as the provider calls it, query included. */
  publicUrl: string;
  secretInUrl?: string;
};

/** An AI voice agent's question about a caller who still hears the ringing tone. */
export type Question = {
  kind: "call" | "chat";
  /** The provider's id of the call, when it sends one; a repeated id gets the same answer. */
  callId?: string;
  from?: string;
  to?: string;
  agentId?: string;
};

/** The answer to a `Question`, before the provider puts it into its own format. */
export type Answer = {
  agentId?: string;
  variables: Record<string, string>;
  metadata: Record<string, Scalar>;
  reject?: boolean;
};

export type Reading = {
  /** The provider's name for the event, such as `call_ended`, for logs and lists. */
  kind: string;
  question?: Question;
};

/**
 * A telephony provider. `S` is the shape of `providers.<id>` in an installation's settings.
 * `read` and `decode` are pure. Every peculiarity of a provider stays in its folder.
 */
export type Provider<S = unknown> = {
  id: string;
  /** The name that people know it by. */
  label: string;
  settings: ZodType<S>;
  methods: readonly ("GET" | "POST")[];
  /** Request headers to store with a delivery (lower case), besides `content-type` and `user-agent`. */
  keepHeaders: readonly string[];
  /** The largest body that it sends, in bytes; 1 MB when absent. */
  bodyBytes?: number;
  /** Before the body is read. Throws `Rejected(401)` unless the head can be its own; what it returns checks a signed body. */
  verify(head: DeliveryHead, settings: S, proof: Proof): BodyCheck | undefined;
  /** A quick look at a verified request. Throws `Rejected(400)` for a body that cannot be one of this provider's. */
  read(delivery: Delivery): Reading;
  /** The events of a delivery; none when its kind is unknown or it is not about a call. */
  decode(delivery: Delivery): CallEvent[];
  /** The body that answers a `Question`. */
  reply?(question: Question, answer: Answer): unknown;
  /** How to poll its API for calls whose webhooks were lost or incomplete. */
  polling?: Polling<S>;
  /**
   * Fetches the audio behind a `Recording.ref`. Throws `Rejected` with 502 or 504 when the provider does not answer.
   * `call`: for a provider that can be asked for a fresh link; `expired`: the link's `expiresAt` is past.
   */
  recording?(
    ref: string,
    settings: S,
    request: AudioRequest,
    call?: { callId: string; expired?: boolean },
  ): Promise<AudioReply>;
  simulate: Simulation<S>;
};

/** The calls that began in this time. ISO 8601 in UTC; `until` is exclusive. */
export type Span = { since: string; until: string };

export type PollContext = {
  installation: string;
  now: () => number;
  signal?: AbortSignal | undefined;
  /** What is known of these calls, by id, so that only missing facts are fetched. */
  known?: (callIds: readonly string[]) => Promise<ReadonlyMap<string, FoldedCall>>;
};

/**
 * How to poll a provider's API for what its webhooks left out. Each answer about one call is a delivery that `read` and
 * `decode` understand: method `ASK` (`polledMethod`), `url` the path at the API, the body as the API wrote that one call.
 * Its events only fill what webhooks left open. All but `lacks` throw `ProviderError`.
 */
export type Polling<S = unknown> = {
  /** The setting that polling needs, as a sentence for the administrator; undefined when all are there. */
  lacks(settings: S): string | undefined;
  /** How far back the API reaches, in days. */
  historyDays: number;
  /** All calls of a span, page by page, the earliest first where the API can do that. */
  calls(settings: S, span: Span, context: PollContext): AsyncIterable<Delivery[]>;
  /** The most calls in one `callsAgain`. */
  callsAtOnce: number;
  /** These calls as the API has them now, with their recordings; unknown calls are left out. */
  callsAgain(settings: S, calls: readonly FoldedCall[], context: PollContext): Promise<Delivery[]>;
};

/** The method of a delivery that an API gave when it was polled. No webhook has this method. */
export const polledMethod = "ASK";

/** A call for `switchhook simulate`, demos and tests. */
export type SimulatedCall = {
  /** Unique. */
  id: string;
  direction: "inbound" | "outbound";
  /** E.164, as `line`. */
  customer: string;
  line: string;
  /** An identifier of the agent in the provider's own terms. */
  agent: string;
  /** ISO 8601. */
  startedAt: string;
  ringSeconds: number;
  talkSeconds: number;
  outcome: Extract<Outcome, "completed" | "no-answer" | "busy">;
  /** The beginning of links to its recording; absent = a host that does not exist. */
  recordingsAt?: string;
};

/** One request as the provider would send it. */
export type SimulatedRequest = {
  /** Since the start of the call. */
  afterSeconds: number;
  method: "GET" | "POST";
  /** Appended to the webhook URL; usually empty. */
  query: string;
  headers: Record<string, string>;
  body: Uint8Array;
};

export type Simulation<S> = {
  /** The requests of one call, in order. */
  script(call: SimulatedCall): SimulatedRequest[];
  /** Adds signature headers, or the secret in the query. `url`: the whole webhook URL without its query. */
  sign(request: SimulatedRequest, settings: S, proof: { now: number; url: string }): SimulatedRequest;
};
