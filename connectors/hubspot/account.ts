import type { CallRecord, ConnectContext } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { isPublicUrl } from "../../src/lib/outbound.ts";
import { createTurns } from "../../src/lib/pace.ts";
import { onceEach } from "../../src/lib/patterns.ts";
import { refusedWith } from "./errors.ts";
import { createLookBack, type LookBack } from "./look-back.ts";
import { type Callers, callersOf } from "./people.ts";
import { type AccountSchema, openSchema } from "./schema.ts";
import type { HubspotSettings } from "./settings.ts";
import { type AccountRequests, type DescribedRequest, openTransport, type Transport } from "./transport.ts";
import type { Properties } from "./values.ts";

/** One HubSpot account, as all work of its connector needs it. */
export type HubspotAccount = {
  context: ConnectContext;
  /** Passes each sentence on once. */
  warn: (sentence: string) => void;
  transport: Transport;
  schema: AccountSchema;
  callers: Callers;
  player: Player;
  lookBack: LookBack;
  /** Without our unique property, one batch can see what the one before has created only in turn. */
  callsInTurn: <T>(work: () => Promise<T>) => Promise<T>;
  contactsInTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /** Whether the account can play a recording behind a URL. */
  takesLink: (url: string) => boolean;
};

/** The account for one piece of work, with its requests. */
export type HubspotWork = HubspotAccount &
  AccountRequests & {
    /** The same work, with other words in errors. */
    named(what: string): HubspotWork;
  };

export function workOn(account: HubspotAccount, about: DescribedRequest): HubspotWork {
  return {
    ...account,
    ...account.transport.requests(about),
    named: (what) => workOn(account, { ...about, what }),
  };
}

export function openAccount(crm: HubspotSettings, context: ConnectContext): HubspotAccount {
  const transport = openTransport(crm, context);
  const warn = onceEach(context.warn);
  const schema = openSchema(transport, { ...context, warn });
  return {
    context,
    warn,
    transport,
    schema,
    callers: callersOf(schema, { ...context, warn }),
    player: createPlayer(transport, crm.appId, warn),
    lookBack: createLookBack(context),
    callsInTurn: createTurns(),
    contactsInTurn: createTurns(),
    takesLink: (url) => crm.plainLinks || isPublicUrl(url),
  };
}

/** The app from which HubSpot's player requests the recording of a call. */
export const appProperty = "hs_call_app_id";
/** The player requests a recording with all of these. */
const needed = [
  "hs_call_recording_url",
  "hs_call_source",
  "hs_call_external_id",
  "hs_call_external_account_id",
];

/** HubSpot's own player, which requests recordings from our app. */
type Player = ReturnType<typeof createPlayer>;

/** `appId`: absent when the account is connected by a token, which belongs to no app of ours. */
function createPlayer(
  transport: Transport,
  appId: number | undefined,
  warn: (sentence: string, kind?: string) => void,
) {
  let isTaken = appId !== undefined;
  return {
    /** The record with our app, when the player can request its recording. A mapping's own value stays. */
    withApp(record: CallRecord, known: Properties): CallRecord {
      const { fields } = record;
      const property = known.get(appProperty);
      const isOpen = property !== undefined && !property.readOnly && !(appProperty in fields);
      const isWhole = needed.every((name) => fields[name] !== undefined);
      if (!isTaken || appId === undefined || !isOpen || !isWhole) return record;
      return { ...record, fields: { ...fields, [appProperty]: appId } };
    },
    /** The account refuses our app on its calls. */
    giveUp(): void {
      isTaken = false;
    },
    /** A lasting refusal is only warned of: the call is logged, and its link plays without the player. */
    async ready(activityId: string, signal?: AbortSignal): Promise<void> {
      if (!isTaken) return;
      const engagementId = Number(activityId);
      const what = "HubSpot, announcing a recording";
      await transport
        .requests({ what, priority: "deliver", signal })
        .send((client) => client.crm.extensions.calling.recordingSettingsApi.markAsReady({ engagementId }))
        .catch((error: unknown) => {
          const isForbidden = refusedWith(error, 403);
          if (!(error instanceof CrmError) || (error.retry === "later" && !isForbidden)) throw error;
          const kind = String((error.cause as { status?: number } | undefined)?.status);
          warn(`${error.message}. HubSpot's own player may not have the recording`, `recording ${kind}`);
        });
    },
  };
}
