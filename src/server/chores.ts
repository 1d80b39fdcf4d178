import type { Config } from "../config/index.ts";
import type { Flow } from "../flow/installation.ts";
import { readManifest } from "../manifest.ts";
import type { openCrmRecordings } from "./crm-recordings.ts";
import type { Erasing } from "./erasing.ts";
import type { openInstalled } from "./installed.ts";
import { watchStore } from "./store-watch.ts";

const everyMs = 3_600_000;
const dayMs = 86_400_000;

type ChoreContext = {
  config: Config;
  flow: Flow;
  installed: ReturnType<typeof openInstalled>;
  erasing: Erasing;
  crmRecordings: ReturnType<typeof openCrmRecordings>;
};

/** The work that belongs to no single installation: retention, erasure, uninstalls, and the state of the store. Returns how to stop it. */
export function startChores({ config, flow, installed, erasing, crmRecordings }: ChoreContext): () => void {
  const purge = setInterval(() => void deleteOld(flow, config).then(erasing.run), everyMs);
  void erasing.run();
  const departures = installed?.watch();
  crmRecordings.start();
  // Deliveries that could not be decoded are decoded again by another version.
  const stopWatching = watchStore(flow, readManifest().identity.version);
  return () => {
    stopWatching();
    clearInterval(purge);
    departures?.stop();
    crmRecordings.stop();
  };
}

async function deleteOld({ store, now, log }: Flow, { retentionDays, auditDays }: Config): Promise<void> {
  try {
    await store.purge(now(), now() - retentionDays * dayMs);
    await store.purgeAccess(now(), now() - auditDays * dayMs);
  } catch (error) {
    log.warn({ err: error }, "what is old could not be deleted");
  }
}
