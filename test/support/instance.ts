import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type ChildServer, freePort, startChild } from "./child-server.ts";
import { type CrmRecorder, startCrmProxy } from "./crm-proxy.ts";
import type { CrmWorld } from "./crm-worlds.ts";
import type { PostgresServer } from "./postgres.ts";
import { type PostgresProxy, startPostgresProxy } from "./postgres-proxy.ts";
import { callers } from "./traffic-calls.ts";

/** A server process among others. */
export type Instance = {
  number: number;
  url: string;
  /** Where its config file is. */
  folder: string;
  /** Its environment. */
  variables: Readonly<Record<string, string>>;
  postgres: PostgresProxy;
  child: ChildServer;
  /** The way in does not lead to it. */
  isAway: boolean;
  /** `preload`: modules that are loaded before the program. */
  start(preload?: readonly string[]): void;
};

export type InstanceOptions = {
  postgres: PostgresServer;
  /** How much each instance's clock is ahead; of several, SIGUSR2 makes it jump to the next. */
  clocksMs?: readonly (number | readonly number[])[];
  /** More of each installation. */
  settings?: object;
  /** More of the config file. */
  file?: object;
  environment?: Readonly<Record<string, string>>;
  /** False: notifications of PostgreSQL get lost. */
  notices?: boolean;
};

type Place = InstanceOptions & {
  number: number;
  folder: string;
  /** The store. */
  url: string;
  crms: ReadonlyMap<string, CrmWorld>;
  recorder: CrmRecorder;
};

/** Starts a server which reaches PostgreSQL, and each CRM, through proxies of its own. It is not waited for. */
export async function addInstance(place: Place): Promise<Instance> {
  const { number, postgres, clocksMs = [], environment, notices } = place;
  const folder = join(place.folder, String(number));
  mkdirSync(join(folder, "data"), { recursive: true });
  const proxy = await startPostgresProxy(postgres.port, { ...(notices !== undefined && { notices }) });
  onTestFinished(() => proxy.stop());
  writeFileSync(join(folder, "switchhook.json"), JSON.stringify(await configOf(place)));
  const port = await freePort();
  const clockMs = clocksMs[number];
  const database = new URL(place.url);
  database.port = String(proxy.port);
  const options = database.searchParams.get("options");
  database.searchParams.set("options", `${options} -c test.instance=${number}`);
  const variables = { DATABASE_URL: database.href, LOG_LEVEL: "info", ...environment };
  const begin = (preload: readonly string[] = []): ChildServer => {
    const child = startChild(folder, port, {
      variables,
      preload,
      ...(clockMs !== undefined && { clockMs }),
    });
    // Its end may take longer than the hook of a test.
    onTestFinished(() => {
      child.kill("SIGCONT");
      child.kill();
    });
    return child;
  };
  const instance: Instance = {
    number,
    url: `http://127.0.0.1:${port}`,
    folder,
    variables,
    postgres: proxy,
    child: begin(),
    isAway: true,
    start(preload) {
      instance.child = begin(preload);
    },
  };
  return instance;
}

async function configOf({ number, crms, recorder, settings, file }: Place): Promise<object> {
  const installations = [...crms].map(async ([installation, { emulator, settings: crm }]) => {
    const reached = await startCrmProxy({ instance: number, installation, target: emulator.url }, recorder);
    onTestFinished(() => reached.stop());
    const at =
      crm["type"] === "salesforce" ? { loginUrl: reached.url, apiUrl: reached.url } : { apiUrl: reached.url };
    const usual = { providers: callers, region: "NL", settleSeconds: 1, reconcile: false };
    return [installation, { ...usual, ...settings, crm: { ...crm, ...at } }] as const;
  });
  return { installations: Object.fromEntries(await Promise.all(installations)), ...file };
}
