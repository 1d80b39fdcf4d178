import { resolve } from "node:path";
import type { Config } from "../config/index.ts";
import { readManifest } from "../manifest.ts";
import { crmFiles } from "./data-folder.ts";
import { commandLine } from "./output.ts";

/** What to open and try once the server listens. */
export function welcome(config: Config, file: string | undefined, now: number): string[] {
  const url = localUrl(config);
  const title = `Switchhook ${readManifest().identity.version} listens on ${url}`;
  if (file !== undefined) return [title, `  open   ${url}/`, `  check  ${commandLine("check")}`];
  const id = `demo-${now.toString(36)}`;
  const [crm] = crmFiles(config);
  return [
    `${title} with the demo installation; no config file was found.`,
    `  open   ${url}/`,
    `  try    ${demoCurl(url, id, now)}`,
    `  then   ${commandLine(`explain ${id}`)}`,
    ...(crm ? [`  CRM    ${resolve(crm.path)}`, `  calls  ${resolve(crm.activities)}`] : []),
    "  stop   Ctrl-C",
  ];
}

/** Where a browser on this machine finds the server. */
export function localUrl({ host, port }: Pick<Config, "host" | "port">): string {
  const open = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${open.includes(":") ? `[${open}]` : open}:${port}`;
}

const talkSeconds = 185;

/** Exotel's StatusCallback of a call that has just ended. Its times are Indian time without a zone. */
function demoCurl(url: string, id: string, now: number): string {
  const indianTime = (ms: number) => new Date(ms + 19_800_000).toISOString().slice(0, 19).replace("T", "+");
  const fields = {
    CallSid: id,
    EventType: "terminal",
    Status: "completed",
    Direction: "inbound",
    From: "09876543210",
    To: "sip:agent_001",
    StartTime: indianTime(now - talkSeconds * 1_000),
    EndTime: indianTime(now),
    ConversationDuration: String(talkSeconds),
  };
  // One line without quoted values can be copied from any terminal or log.
  const data = Object.entries(fields).map(([name, value]) => `-d ${name}=${value}`);
  return `curl '${url}/webhooks/demo/exotel?key=demo-key' ${data.join(" ")}`;
}
