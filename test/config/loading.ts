import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { connectors } from "../../connectors/index.ts";
import { type Config, loadConfig } from "../../src/config/index.ts";
import { ConfigError, type Fault } from "../../src/core/errors.ts";
import { providers } from "../../src/providers/index.ts";

export const file = "/etc/switchhook/switchhook.json";

export const acme = {
  crm: { type: "local", file: "crm.json" },
  providers: { voys: { secret: "voys-secret" } },
  region: "NL",
};

export type Json = Record<string, unknown>;

export function load(source: Json | string | undefined, environment: Record<string, string> = {}): Config {
  const text = typeof source === "object" ? JSON.stringify(source) : source;
  return loadConfig(
    text === undefined ? undefined : { text, file },
    environment,
    { providers, connectors },
    read,
  );
}

export function acmeWith(changes: Json = {}): Json {
  return { installations: { acme: { ...acme, ...changes } } };
}

export function faultsOf(
  source: Json | string | undefined,
  environment: Record<string, string> = {},
): Fault[] {
  try {
    load(source, environment);
  } catch (error) {
    if (error instanceof ConfigError) return [...error.faults];
    throw error;
  }
  return [];
}

/** Faults as people read them, without the file's name. */
export function linesOf(
  source: Json | string | undefined,
  environment: Record<string, string> = {},
): string[] {
  const lines = faultsOf(source, environment).map(
    ({ at, problem, cure = "" }) => `${at}: ${problem} ${cure}`,
  );
  return lines.map((line) => line.replace(`${file}: `, "").replace("installations.", "").trimEnd());
}

function read(path: string): string {
  return readFileSync(path, "utf8");
}

/** A file of the checkout, as a mapping that an installation could name. */
export function inCheckout(path: string): string {
  return resolve(import.meta.dirname, "../..", path);
}
