import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { Config } from "../config/index.ts";
import { callKey } from "../core/call.ts";
import type { SimulatedCall, SimulatedRequest } from "../core/provider.ts";
import { providers } from "../providers/index.ts";
import {
  commandLine,
  counted,
  Failure,
  type GlobalOptions,
  print,
  printable,
  printJson,
  progressLine,
} from "./output.ts";
import { readConfig } from "./read-config.ts";
import {
  agentsAt,
  demoCustomers,
  emptyTally,
  madeUpCall,
  sendTo,
  shuffled,
  type Tally,
  type Target,
  type Wishes,
} from "./simulated-calls.ts";
import { localUrl } from "./welcome.ts";
import { unknownInstallation } from "./with-parts.ts";

/** `rate`: calls per second. `lateSeconds`: from the other requests to the late ones. `speed`: 60 = a minute takes a second. */
export type SimulateOptions = GlobalOptions & {
  url?: string;
  installation: string;
  calls: number;
  rate: number;
  duplicate?: boolean;
  shuffle?: boolean;
  late?: boolean;
  lateSeconds: number;
  direction?: SimulatedCall["direction"];
  outcome?: SimulatedCall["outcome"];
  customer?: string[];
  agent?: string;
  seed?: string;
  speed?: number;
};

const callsAtOnce = 32;
/** From the end of a call to a provider's last webhook about it. */
const tailSeconds = 10;

/** Sends simulated calls to a running server. False when a request was refused. */
export async function simulate(id: string, options: SimulateOptions): Promise<boolean> {
  const { config } = readConfig(options);
  const target = targetOf(id, options, config);
  const wishes = wishesOf(id, options, config);
  const tally = emptyTally();
  const started = performance.now();
  const keys = await sendCalls(target, wishes, options, tally);
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  if (options.json) printJson({ ...tally, seconds, seed: wishes.seed, calls: keys });
  else saySummary(tally, keys, seconds);
  return tally.refused === 0;
}

function targetOf(id: string, options: SimulateOptions, config: Config): Target {
  const provider = Object.hasOwn(providers, id) ? providers[id] : undefined;
  if (!provider)
    throw new Failure(`There is no provider ${id}. Use one of: ${Object.keys(providers).join(", ")}.`);
  const installation = config.installations.find(({ name }) => name === options.installation);
  const names = config.installations.map(({ name }) => name);
  if (!installation)
    throw new Failure(`${unknownInstallation(options.installation, names)} Choose with --installation.`);
  const settings = Object.hasOwn(installation.providers, id) ? installation.providers[id] : undefined;
  if (settings === undefined) {
    throw new Failure(
      `The installation ${installation.name} has no provider ${id}. Add its settings under providers.`,
    );
  }
  const url = (options.url ?? localUrl(config)).replace(/\/+$/, "");
  if (!URL.canParse(url))
    throw new Failure(`--url ${JSON.stringify(url)} is not a URL. Write it like http://127.0.0.1:8484.`);
  // Without a configured public URL, the server uses the address that it listens on.
  const signedUrl = config.publicUrl === localUrl(config) ? url : config.publicUrl;
  return { url, signedUrl, installation: installation.name, provider, settings };
}

function wishesOf(provider: string, options: SimulateOptions, { installations }: Config): Wishes {
  const directory = installations.find(({ name }) => name === options.installation)?.agents ?? [];
  return {
    provider,
    seed: options.seed ?? randomBytes(6).toString("hex"),
    customers: options.customer ?? demoCustomers,
    agents: options.agent === undefined ? agentsAt(directory, provider) : [options.agent],
    ...(options.direction && { direction: options.direction }),
    ...(options.outcome && { outcome: options.outcome }),
  };
}

/** Starts calls at the rate, a few at a time, and sends late requests after all others. Returns the keys. */
async function sendCalls(
  target: Target,
  wishes: Wishes,
  options: SimulateOptions,
  tally: Tally,
): Promise<string[]> {
  const progress = progressLine();
  const running = new Set<Promise<void>>();
  const late: { key: string; requests: SimulatedRequest[] }[] = [];
  const keys: string[] = [];
  const failures: unknown[] = [];
  const started = performance.now();
  for (let i = 0; i < options.calls; i++) {
    const ahead = started + (i * 1_000) / options.rate - performance.now();
    if (ahead > 1) await setTimeout(ahead);
    const made = madeUpCall(wishes, i);
    const call = { ...made, startedAt: startOf(made, options) };
    const key = callKey(target.installation, target.provider.id, call.id);
    keys.push(key);
    const { now, held } = scriptOf(target, call, i, options);
    if (held.length > 0) late.push({ key, requests: held });
    const sending: Promise<void> = sendOne({ target, key, tally }, now, options)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => running.delete(sending));
    running.add(sending);
    progress.show(`${counted(tally.sent, "request")} of ${counted(keys.length, "call")} sent ...`);
    if (running.size >= callsAtOnce) await Promise.race(running);
    if (failures.length > 0) break;
  }
  await Promise.all(running);
  if (failures.length > 0) throw failures[0];
  if (late.length > 0) await setTimeout(options.lateSeconds * 1_000);
  for (const { key, requests } of late) {
    for (const request of requests) await sendTo(target, request, key, tally);
    progress.show(`${counted(tally.sent, "request")} sent, the late ones at the end ...`);
  }
  progress.done();
  return keys;
}

/** What to send in time, and what to hold back. */
function scriptOf(
  { provider }: Target,
  call: SimulatedCall,
  index: number,
  { late, duplicate, shuffle }: SimulateOptions,
) {
  const script = provider.simulate.script(call);
  const split = late ? firstLate(script, call, index) : script.length;
  const twice = (requests: SimulatedRequest[]) =>
    duplicate ? requests.flatMap((request) => [request, request]) : requests;
  const now = twice(script.slice(0, split));
  return { now: shuffle ? shuffled(now, call.id) : now, held: twice(script.slice(split)) };
}

/** Alternates: all requests from the end of the call on, or only the last one (a recording, an analysis). */
function firstLate(script: readonly SimulatedRequest[], call: SimulatedCall, index: number): number {
  const end = call.ringSeconds + call.talkSeconds;
  const ended = script.findIndex(({ afterSeconds }) => afterSeconds >= end);
  return index % 2 === 0 && ended >= 0 ? ended : script.length - 1;
}

/** Without a speed all requests are sent at once, about a call that has just ended. */
function startOf(
  { ringSeconds, talkSeconds }: Omit<SimulatedCall, "startedAt">,
  { speed }: SimulateOptions,
): string {
  const length = (ringSeconds + talkSeconds + tailSeconds) * 1_000;
  const ahead = speed === undefined ? 0 : length / speed;
  return new Date(Math.floor((Date.now() - length + ahead) / 1_000) * 1_000).toISOString();
}

async function sendOne(
  { target, key, tally }: { target: Target; key: string; tally: Tally },
  requests: readonly SimulatedRequest[],
  { speed }: SimulateOptions,
): Promise<void> {
  const started = performance.now();
  for (const request of requests) {
    const at = speed === undefined ? 0 : started + (request.afterSeconds * 1_000) / speed;
    if (at > performance.now()) await setTimeout(at - performance.now());
    await sendTo(target, request, key, tally);
  }
}

const shownKeys = 10;
const shownAnswers = 5;

function saySummary(
  { sent, accepted, refused, refusals, answers }: Tally,
  keys: readonly string[],
  seconds: number,
): void {
  print(
    `Sent ${counted(sent, "request")} of ${counted(keys.length, "call")} in ${seconds} s: ${accepted} accepted, ${refused} refused.`,
  );
  for (const [why, times] of Object.entries(refusals)) print(`  ${times} times ${printable(why)}`);
  for (const { call, answer } of answers.slice(0, shownAnswers)) {
    print(`Answer to ${call}: ${printable(JSON.stringify(answer)).slice(0, 400)}`);
  }
  if (answers.length > shownAnswers)
    print(`... and ${counted(answers.length - shownAnswers, "answer")} more; --json shows them`);
  print("Calls:");
  for (const key of keys.slice(0, shownKeys)) print(`  ${key}`);
  if (keys.length > shownKeys) print(`  ... and ${keys.length - shownKeys} more; --json shows them`);
  print(`What became of one: ${commandLine(`explain ${keys[0] ?? ""}`)}`);
}
