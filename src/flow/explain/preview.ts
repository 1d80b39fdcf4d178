import type { InstallationSettings } from "../../core/settings.ts";
import type { TrackedCall } from "../../core/tracked-call.ts";
import { openWorker, type WorkerOptions } from "../../lib/worker.ts";
import { matchInIndex } from "../calls/match.ts";
import type { Flow, Installation } from "../installation.ts";
import type { MappingText, PreviewedCall, PreviewJob } from "./preview-render.ts";

const callsShown = 20;
/** Of all calls of a preview: they are copied to the other thread. */
const mostCharacters = 8_000_000;

type PreviewOptions = Partial<Pick<PreviewJob, "unchanged" | "fields">> & {
  /** This one in place of the latest calls. */
  call?: TrackedCall;
};

/**
 * What the latest calls would look like with another mapping, beside what the one in use makes of them now. Reads only
 * the index, never the CRM; the work is done by another thread. Calls that would stay as they are have no changes.
 */
export function createPreviews(flow: Flow, options: Pick<WorkerOptions, "limitMs"> = {}) {
  // The package has the same file as JavaScript.
  const ending = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  const script = new URL(`./preview-worker${ending}`, import.meta.url);
  const worker = openWorker({ script, what: "preview of a mapping", ...options });
  return {
    /** A `Preview` as JSON. Throws `ConfigError` with all that is wrong with the mapping, and `Rejected(503)`. */
    async of(
      installation: Installation,
      inUse: MappingText,
      next: MappingText,
      { call, unchanged = false, fields }: PreviewOptions = {},
    ): Promise<string> {
      const job = async (): Promise<PreviewJob> => ({
        crm: installation.crm,
        settings: plainSettings(installation.settings),
        owners: await flow.store.owners(installation.settings.name),
        ...(call
          ? { calls: [await previewed(flow, installation, call)] }
          : await latestCalls(flow, installation)),
        inUse,
        next,
        unchanged,
        ...(fields && { fields }),
      });
      return (await worker.run(job)) as string;
    },
    close: worker.close,
  };
}

/** Without the credentials, which are in the same object. */
function plainSettings(settings: InstallationSettings): InstallationSettings {
  const {
    crm: _crm,
    providers: _providers,
    ...plain
  } = settings as InstallationSettings & {
    crm?: unknown;
    providers?: unknown;
  };
  return plain;
}

/** Read one by one: each may be large. */
async function latestCalls(
  flow: Flow,
  installation: Installation,
): Promise<Pick<PreviewJob, "calls" | "tooLarge">> {
  const { name } = installation.settings;
  const calls: PreviewedCall[] = [];
  let characters = 0;
  while (calls.length < callsShown) {
    const before = calls.at(-1)?.row.id;
    const filter = { installation: name, limit: 1, ...(before !== undefined && { before }) };
    const [row] = await flow.store.calls(filter);
    if (!row) break;
    const call = await previewed(flow, installation, row);
    characters += charactersIn(call);
    if (characters > mostCharacters && calls.length > 0) return { calls, tooLarge: true };
    calls.push(call);
  }
  return { calls };
}

async function previewed(flow: Flow, installation: Installation, row: TrackedCall): Promise<PreviewedCall> {
  const { lookup, contact } = await matchInIndex(flow, installation, row);
  const links = await flow.links();
  return {
    row,
    lookup,
    contact,
    recordingUrl: links.recordingUrl(row),
    transcriptUrl: links.transcriptUrl(row),
  };
}

function charactersIn(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 1;
  return Object.entries(value).reduce((sum, [name, one]) => sum + name.length + charactersIn(one), 0);
}
