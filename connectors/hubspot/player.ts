import type { CallRecord } from "../../src/core/contracts.ts";
import { CrmError } from "../../src/core/errors.ts";
import { refusedWith } from "./errors.ts";
import type { DescribedRequest, Transport } from "./transport.ts";
import type { Properties } from "./values.ts";

/** Says which app HubSpot's player asks for the recording of a call. */
export const appProperty = "hs_call_app_id";
/** What the player asks the app with; without all of these it cannot. */
const needed = [
  "hs_call_recording_url",
  "hs_call_source",
  "hs_call_external_id",
  "hs_call_external_account_id",
];

/** HubSpot's own player of recordings, which asks our app for each. */
export type Player = ReturnType<typeof createPlayer>;

/** `appId`: absent when the account is connected by a token, which belongs to no app of ours. */
export function createPlayer(transport: Transport, appId: number | undefined, warn: (text: string) => void) {
  let isTaken = appId !== undefined;
  const warned = new Set<string>();
  return {
    /** The record with our app, when it has a recording that the player can ask for. A mapping's own value stays. */
    withApp(record: CallRecord, known: Properties): CallRecord {
      const { fields } = record;
      const property = known.get(appProperty);
      const isOpen = property !== undefined && !property.readOnly && !(appProperty in fields);
      const isWhole = needed.every((name) => fields[name] !== undefined);
      if (!isTaken || appId === undefined || !isOpen || !isWhole) return record;
      return { ...record, fields: { ...fields, [appProperty]: appId } };
    },
    /** The account does not take our app on its calls. */
    giveUp(): void {
      isTaken = false;
    },
    /** What will not pass is warned of once for each kind: the call is logged, and its link plays all the same. */
    async ready(activityId: string, signal?: AbortSignal): Promise<void> {
      if (!isTaken) return;
      const asking: DescribedRequest = {
        what: "HubSpot, announcing a recording",
        priority: "deliver",
        signal,
      };
      const engagementId = Number(activityId);
      await transport
        .ask(asking, (client) =>
          client.crm.extensions.calling.recordingSettingsApi.markAsReady({ engagementId }),
        )
        .catch((error: unknown) => {
          const isForbidden = refusedWith(error, 403);
          if (!(error instanceof CrmError) || (error.retry === "later" && !isForbidden)) throw error;
          const kind = String((error.cause as { status?: number } | undefined)?.status);
          if (!warned.has(kind)) warn(`${error.message}. HubSpot's own player may not have the recording`);
          warned.add(kind);
        });
    },
  };
}
