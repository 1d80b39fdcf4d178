/** One request to an emulator. `body`: parsed JSON, or a form's fields. `params`: the groups of the route's path. */
export type EmulatorRequest = {
  method: string;
  path: string;
  query: URLSearchParams;
  /** Lower-case names. */
  headers: Record<string, string>;
  body: unknown;
  raw: Buffer;
  params: string[];
};

/** `body` is sent as JSON; `text` (HTML) and `bytes` as they are, of whatever type `headers` say. */
export type EmulatorReply = {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
  text?: string;
  bytes?: Uint8Array;
};

/** `path` matches the whole path, without the query. `kind` names the request in counts and faults. */
export type Route = {
  method: string;
  path: RegExp;
  kind: string;
  handle(request: EmulatorRequest): EmulatorReply | Promise<EmulatorReply>;
};

/** Thrown anywhere inside a handler: ends the request with this reply. */
export class Refusal extends Error {
  readonly reply: EmulatorReply;

  constructor(reply: EmulatorReply) {
    super(`refused with ${reply.status}`);
    this.name = "Refusal";
    this.reply = reply;
  }
}

export type SharedFault =
  | { type: "status"; status: number; body?: unknown; text?: string; headers?: Record<string, string> }
  /** Never answers, does nothing. */
  | { type: "hang" }
  /** Does the work, then destroys the socket: the response is lost. */
  | { type: "drop" }
  /** Destroys the socket before doing anything. */
  | { type: "reset" }
  | { type: "slow"; ms: number };

/** `match`: a kind, a part of a path (starts with "/") or a pattern of paths; absent: every request. */
export type FaultScope = {
  match?: string | RegExp;
  /** How often it still strikes; until switched off when absent. */
  times?: number;
  /** Lets this many matching requests through first. */
  after?: number;
};

/** A fault of one CRM's own kind, for example `{ type: "lock" }`. */
export type OwnFault = { type: string; [more: string]: unknown };

export type Fault = FaultScope & (SharedFault | OwnFault);

/** `status` is 0 while the request is under way. `inputs`: rows of a batch. */
export type SeenRequest = {
  at: number;
  method: string;
  path: string;
  kind: string;
  status: number | "hang" | "drop" | "reset";
  inputs?: number;
};

export type Emulator = {
  url: string;
  port: number;
  /** Every request that came, in order. */
  requests: SeenRequest[];
  faults: { add(fault: Fault): () => void; clear(): void };
  /** Added to every request. */
  latencyMs: number;
  /** Also with hanging connections. */
  stop(): Promise<void>;
};

/** One line of a contact's timeline. `at`: ms. `link`: shown only when http or https, .mp3 and .wav with a player. */
export type PageEntry = {
  at: number;
  kind: "call" | "task" | "note";
  title: string;
  owner?: string;
  facts?: string[];
  text?: string;
  link?: { href: string; label: string };
};

/** What a rep sees. `timeline` may come in any order. */
export type Page = {
  title: string;
  contacts: { name: string; detail?: string; timeline: PageEntry[] }[];
  /** Activities that belong to nobody. */
  loose?: PageEntry[];
};

/** What makes an emulator a certain CRM's. */
export type EmulatorParts = {
  routes: Route[];
  port?: number;
  latencyMs?: number;
  now?: () => number;
  /** Looks at a request before its route does (token, limits); a reply ends it. `route` is absent for unknown paths. */
  before?(request: EmulatorRequest, route: Route | undefined): EmulatorReply | undefined;
  /** Added to every reply of a route, faults excepted. */
  headers?(request: EmulatorRequest, route: Route | undefined): Record<string, string>;
  /** The reply of a fault of our own kind; none: the request goes on. */
  fault?(
    fault: Fault & OwnFault,
    request: EmulatorRequest,
    route: Route | undefined,
  ): EmulatorReply | undefined;
  notFound?(request: EmulatorRequest): EmulatorReply;
  /** For a body that is not JSON although it says so. */
  malformed?(request: EmulatorRequest): EmulatorReply;
  /** Counts of records for `GET /_emulator`. */
  objects?(): Record<string, number>;
  /** What `PUT /_emulator/settings` may set, besides `latencyMs`. */
  settings?: Record<string, (value: unknown) => void>;
  page?(): Page;
};
