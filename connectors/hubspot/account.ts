import type { ConnectContext } from "../../src/core/crm.ts";
import { isPublicUrl } from "../../src/lib/outbound.ts";
import { createTurns } from "../../src/lib/pace.ts";
import { onceEach } from "../../src/lib/patterns.ts";
import { createLookBack, type LookBack } from "./look-back.ts";
import { type Callers, callersOf } from "./people.ts";
import { createPlayer, type Player } from "./player.ts";
import { type AccountSchema, openSchema } from "./schema.ts";
import type { HubspotSettings } from "./settings.ts";
import { type AccountRequests, type DescribedRequest, openTransport, type Transport } from "./transport.ts";

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
