import { readFile } from "node:fs/promises";
import type { InstallBody } from "../../installations/installer.ts";
import { createPace } from "../../lib/pace.ts";
import type { ExportedItem, Store, StoredInstall, StoredPosition } from "../../store/contract.ts";
import type { Installation } from "../installation.ts";
import { explainCall, isoOf } from "./explain.ts";

/** One line of an export: what it is, and all that is known of it. The last is `end`: an export without it is not whole. */
export type ExportLine = {
  type: "installation" | "owner" | "contact" | "call" | "answer" | "delivery" | "end";
  [member: string]: unknown;
};

/** What to export: a stored installation, or one that is at work, or both of one name. `mapping`: one that was saved. */
export type Exported = {
  name: string;
  install?: StoredInstall | undefined;
  running?: Installation | undefined;
  mapping?: unknown;
};

/** What there is to export under a name; undefined when there is no such installation, or it is being erased. */
export async function findExported(
  store: Store,
  installations: ReadonlyMap<string, Installation>,
  name: string,
  mappingFile: string,
): Promise<Exported | undefined> {
  const installs = await store.installs();
  const install = installs.find((one) => one.name === name && one.state !== "erasing");
  const running = installations.get(name);
  if (!install && !running) return undefined;
  const mapping = await savedMapping(mappingFile);
  return { name, install, running, ...(mapping !== undefined && { mapping }) };
}

/** As JSON; as text when it is no valid JSON; undefined when none was saved. */
async function savedMapping(file: string): Promise<unknown> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/**
 * Everything stored of an installation, a line at a time, so that its size does not matter. No
 * credentials: no tokens, no webhook secrets, no links of providers to recordings.
 */
export async function* exportOf(store: Store, exported: Exported): AsyncGenerator<ExportLine> {
  const pace = createPace();
  let lines = 1;
  yield installationLine(exported);
  for (let from: StoredPosition | undefined, more = true; more; ) {
    const page = await store.exportPage(exported.name, from);
    for (const thing of page.items) {
      const line = await lineOf(store, thing);
      if (!line) continue;
      lines += 1;
      yield line;
      await pace();
    }
    from = page.next;
    more = from !== undefined;
    await pace();
  }
  yield { type: "end", lines };
}

function installationLine({ name, install, running, mapping }: Exported): ExportLine {
  const body = install && (JSON.parse(install.body) as Partial<InstallBody>);
  const crm = install?.crm ?? running?.crm;
  return {
    type: "installation",
    name,
    crm,
    ...(install && { state: install.state, reason: install.reason, leftAt: isoOf(install.leftAt) }),
    ...(body && { account: body.account, scopes: body.scopes, changes: body.changes }),
    settings: withoutSecrets(body?.settings ?? running?.settings ?? {}),
    ...(mapping !== undefined && { mapping }),
  };
}

/** Credentials are only in `crm` and in the providers; paths are those of this machine. */
function withoutSecrets(settings: object): object {
  const { crm, providers, mappingFile, mappingIsDefault, ...rest } = settings as Record<string, unknown>;
  return { ...rest, providers: Object.keys((providers ?? {}) as object) };
}

async function lineOf(store: Store, thing: ExportedItem): Promise<ExportLine | undefined> {
  switch (thing.type) {
    case "owner":
      return { ...thing.owner, type: "owner" };
    case "contact":
      return { ...thing.contact, type: "contact" };
    case "call":
      return callLine(store, thing);
    case "answer":
      return { ...thing, at: isoOf(thing.at) };
    case "delivery": {
      const { installation: _, body, ...delivery } = thing.delivery;
      return { type: "delivery", id: thing.id, ...delivery, body: Buffer.from(body).toString("base64") };
    }
  }
}

/** Undefined for a call that has just gone. `copy`: the place of its recording in the archive. */
async function callLine(
  store: Store,
  { id, key }: { id: number; key: string },
): Promise<ExportLine | undefined> {
  const explained = await explainCall(store, key);
  if (!explained) return undefined;
  const copy = (await store.recording(id))?.place;
  return { type: "call", ...explained, ...(copy !== undefined && { copy }) };
}
