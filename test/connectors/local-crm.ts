import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { activitiesBeside, local } from "../../connectors/local/index.ts";
import type { Connector, Fields } from "../../src/core/crm.ts";
import { readCrm, writeCrm } from "../support/crm-files.ts";

type Rows = Record<string, unknown>[];
type Content = { contacts: Rows; owners: Rows; activities: Rows; tasks?: Rows };

/** A local CRM in a folder of its own, with what a person can do to its file. */
export type LocalCrm = {
  connector: Connector;
  path: string;
  /** Of the file with the activities. */
  log: string;
  folder: string;
  warnings: string[];
  read(): Content;
  write(content: unknown): void;
  edit(change: (content: Content) => void): void;
  tearDown(): Promise<void>;
};

export function openLocalCrm(content?: unknown, name = "crm.json"): LocalCrm {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-local-"));
  const path = join(folder, name);
  const warnings: string[] = [];
  const write = (value: unknown) =>
    typeof value === "string" || Buffer.isBuffer(value)
      ? writeFileSync(path, value)
      : writeCrm(path, value as object);
  if (content !== undefined) write(content);
  const connector = connectTo(path, warnings);
  const read = (): Content => readCrm(path);
  return {
    connector,
    path,
    log: activitiesBeside(path),
    folder,
    warnings,
    read,
    write,
    edit: (change) => {
      const now = read();
      change(now);
      write(now);
    },
    tearDown: async () => {
      await connector.close?.();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function connectTo(path: string, warnings: string[] = []): Connector {
  const warn = (message: string) => void warnings.push(message);
  return local.connect(
    { type: "local", file: path },
    { installation: "acme", region: "IN", contactFields: () => [], now: Date.now, warn },
  );
}

export function call(key: string, fields: Fields = { subject: "Inbound call" }) {
  return { key, fields, modes: {}, ours: {} };
}

export async function until(holds: () => boolean, withinMs = 5_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error("it did not happen in time");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
