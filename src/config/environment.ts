import type { Fault } from "../core/errors.ts";
import { isLoopbackHost, isLoopbackUrl } from "../core/loopback.ts";
import { didYouMean } from "../mapping/nearest.ts";
import type { Environment } from "./faults.ts";

const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
const shortestKey = 32;
const shortestToken = 16;
export type LogLevel = (typeof logLevels)[number];

/** Settings from the environment, which override the file. */
export type EnvironmentSettings = {
  port?: number;
  host?: string;
  dataFolder: string;
  sealingKeys: string[];
  adminToken?: string;
  /** Of PostgreSQL; the embedded store without one. */
  databaseUrl?: string;
  logLevel: LogLevel;
};

/** Reads our variables. An empty one counts as not set, as container files write it. */
export function readEnvironment(environment: Environment, faults: Fault[]): EnvironmentSettings {
  const read = (name: string) => environment[name]?.trim() || undefined;
  const [host, adminToken] = [read("HOST"), read("SWITCHHOOK_ADMIN_TOKEN")];
  const port = readPort(read("PORT"), faults);
  if (adminToken && adminToken.length < shortestToken) {
    faults.push({
      at: "environment: SWITCHHOOK_ADMIN_TOKEN",
      problem: `the token has fewer than ${shortestToken} characters.`,
      cure: "Use a random one: openssl rand -base64 32.",
    });
  }
  const databaseUrl = readDatabaseUrl(read("DATABASE_URL"), faults);
  return {
    ...(port !== undefined && { port }),
    ...(host && { host }),
    sealingKeys: readKeys(read("SWITCHHOOK_KEY"), faults),
    ...(adminToken && { adminToken }),
    ...(databaseUrl && { databaseUrl }),
    dataFolder: read("SWITCHHOOK_DATA") ?? "./data",
    logLevel: readLogLevel(read("LOG_LEVEL"), faults),
  };
}

/** The current key first, then, separated by commas, older ones that still open what they sealed. */
function readKeys(text: string | undefined, faults: Fault[]): string[] {
  const keys = (text ?? "")
    .split(",")
    .map((key) => key.trim())
    .filter((key) => key !== "");
  if (keys.some((key) => key.length < shortestKey)) {
    faults.push({
      at: "environment: SWITCHHOOK_KEY",
      problem: `a key has fewer than ${shortestKey} characters.`,
      cure: "Use a random one: openssl rand -base64 32.",
    });
  }
  return keys;
}

/** The value may contain a password, so it is not repeated. */
function readDatabaseUrl(text: string | undefined, faults: Fault[]): string | undefined {
  if (text === undefined) return undefined;
  if (URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol)) return text;
  faults.push({
    at: "environment: DATABASE_URL",
    problem: "it is not the address of a PostgreSQL database.",
    cure: "Write it like postgres://user:password@host:5432/database, or unset it: calls are then stored in SWITCHHOOK_DATA.",
  });
  return undefined;
}

function readPort(text: string | undefined, faults: Fault[]): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  const problem = `${JSON.stringify(text.slice(0, 40))} is not a port.`;
  faults.push({ at: "environment: PORT", problem, cure: "Use a whole number from 0 to 65535, or unset it." });
  return undefined;
}

function readLogLevel(text: string | undefined, faults: Fault[]): LogLevel {
  if (text === undefined) return "info";
  const level = logLevels.find((name) => name === text.toLowerCase());
  if (level) return level;
  const problem = `${JSON.stringify(text.slice(0, 40))} is not a log level.`;
  const cure = didYouMean(text, logLevels) ?? `Use one of: ${logLevels.join(", ")}.`;
  faults.push({ at: "environment: LOG_LEVEL", problem, cure });
  return "info";
}

/** `at`, `urlAt`: where the host and the public URL are configured. `publicUrl`: absent = none is configured. */
type Doors = {
  host: string;
  at: string;
  isDemo: boolean;
  /** Operators have to sign in. */
  isGuarded: boolean;
  publicUrl?: string;
  urlAt?: string;
};

const cure = "Set SWITCHHOOK_ADMIN_TOKEN to a random text: openssl rand -base64 32.";

/**
 * A server that other machines can reach needs an admin token. A `publicUrl` of another host means a reverse proxy: Debian's
 * nginx forwards strangers from loopback, with a loopback `Host` and no forwarding header (measured with nginx 1.22,
 * 2026-11).
 */
export function faultsOfOpenDoors({ host, at, isDemo, isGuarded, publicUrl, urlAt = "" }: Doors): Fault[] {
  const stranger = `${host} can be reached from other machines`;
  if (isDemo && !isLoopbackHost(host)) {
    const cure = "Write a switchhook.json with your own installation, or use HOST=127.0.0.1.";
    return [{ at, problem: `${stranger}, and the secrets of the built-in demo are public.`, cure }];
  }
  if (isGuarded) return [];
  const faults: Fault[] = [];
  if (!isLoopbackHost(host))
    faults.push({ at, problem: `${stranger}, and nothing guards the API and the console.`, cure });
  if (publicUrl !== undefined && !isLoopbackUrl(publicUrl)) {
    const problem = `${publicUrl} can be reached from other machines, and nothing guards the API and the console.`;
    faults.push({ at: urlAt, problem, cure });
  }
  return faults;
}
