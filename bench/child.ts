import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { Sample, ServerOptions } from "./our-server.ts";

/** A server under test in a process of its own. `startMs`: from the first line of its code to listening. */
export type Server<S = Sample> = {
  port: number;
  pid: number;
  startMs: number;
  sample: () => Promise<S>;
  stop: () => Promise<void>;
};

type Cost = { atMs: number; cpuMs: number; rssMb: number };

export function startBare(): Promise<Server> {
  return start("bare-server.ts", [], []);
}

export function startOurs(options: ServerOptions): Promise<Server> {
  return start("our-server.ts", [JSON.stringify(options)], flags);
}

/** An emulated CRM in a process of its own. `options`: those of its start function. */
export async function startEmulator(
  crm: "hubspot" | "salesforce",
  options: object,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const { port, stop } = await start("emulator.ts", [crm, JSON.stringify(options)], []);
  return { url: `http://127.0.0.1:${port}`, stop };
}

/** The flags that `npm start` gives Node: a heap that is not lazier than the work needs. */
const flags = ["--max-semi-space-size=8", "--max-old-space-size=1024"];

export type Instance = Server<Cost>;

/** A server over a config file, whose samples say what it costs. Without `databaseUrl` it has the embedded store. */
export function startInstance(file: string, data: string, databaseUrl = ""): Promise<Instance> {
  return start("idle-server.ts", [file, data, databaseUrl], flags);
}

async function start<S = Sample>(file: string, args: string[], execArgv: string[]): Promise<Server<S>> {
  const child = fork(join(import.meta.dirname, file), args, { execArgv });
  const { port, startMs = 0 } = (await said(child)) as { port: number; startMs?: number };
  return {
    port,
    pid: child.pid ?? 0,
    startMs,
    async sample() {
      child.send("sample");
      return (await said(child)) as S;
    },
    stop: () =>
      new Promise((stopped) => {
        child.once("exit", () => stopped());
        child.disconnect();
      }),
  };
}

function said(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null): void =>
      reject(new Error(`the server under test ended with code ${code}`));
    child.once("exit", gone);
    child.once("message", (message) => {
      child.off("exit", gone);
      resolve(message);
    });
  });
}

/** Watches a server twice a second; gives the worst it saw. */
export function watch(server: Server): () => Promise<{ lagMs: number; rssMb: number }> {
  const worst = { lagMs: 0, rssMb: 0 };
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      const { lagMs, rssMb } = await server.sample();
      worst.lagMs = Math.max(worst.lagMs, lagMs);
      worst.rssMb = Math.max(worst.rssMb, rssMb);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  })();
  return async () => {
    stopped = true;
    await watching;
    return worst;
  };
}
