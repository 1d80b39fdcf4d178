import {
  type SalesforceEmulator,
  type SalesforceOptions,
  startSalesforce,
} from "@switchhook/emulators/salesforce";
import { type SalesforceSettings, salesforce } from "../../connectors/salesforce/index.ts";
import type { CallRecord, Connector, Fields, FieldValue, SaveResult } from "../../src/core/crm.ts";
import type { CrmRequest } from "../../src/core/crm-app.ts";

export type SavedCall = Extract<SaveResult, { saved: string }>;

/** A connector in front of an emulated org, and what it did there. */
export type ArrangedOrg = {
  org: SalesforceEmulator;
  connector: Connector;
  warnings: string[];
  /** As metrics see them. */
  noted: CrmRequest[];
  /** Kinds of the API's requests since the last time. */
  asked(): string[];
  /** The same org, seen by a server that has just started. */
  again(settings?: Partial<SalesforceSettings>): Connector;
  tearDown(): Promise<void>;
};

export type ArrangeOptions = {
  org?: SalesforceOptions;
  settings?: Partial<SalesforceSettings>;
  region?: string;
  contactFields?: () => string[];
  now?: () => number;
};

export async function arrangeOrg(options: ArrangeOptions = {}): Promise<ArrangedOrg> {
  const { now = Date.now, region = "NL", contactFields = () => [] } = options;
  const org = await startSalesforce({ now, ...options.org });
  const warnings: string[] = [];
  const noted: CrmRequest[] = [];
  const again = (settings: Partial<SalesforceSettings> = {}): Connector =>
    salesforce.connect(settingsFor(org, { ...options.settings, ...settings }), {
      installation: "acme",
      region,
      contactFields,
      now,
      warn: (message) => void warnings.push(message),
      onRequest: (request) => void noted.push(request),
    });
  const connector = again();
  let seen = 0;
  return {
    org,
    connector,
    warnings,
    noted,
    asked() {
      const fresh = org.requests.slice(seen);
      seen = org.requests.length;
      return fresh.map(({ kind }) => kind);
    },
    again,
    tearDown: async () => {
      await connector.close?.();
      await org.stop();
    },
  };
}

function settingsFor(org: SalesforceEmulator, more: Partial<SalesforceSettings>): SalesforceSettings {
  const given = {
    type: "salesforce",
    loginUrl: org.url,
    clientId: "client",
    ...(more.accessToken === undefined && more.privateKey === undefined && { clientSecret: "secret" }),
    ...more,
  };
  return salesforce.settings.parse(given);
}

export function call(key: string, fields: Fields = { Subject: "Inbound call" }): CallRecord {
  return { key: `acme:voys:${key}`, fields, modes: {}, ours: {} };
}

/** Saves one call; throws when it was not saved. */
export async function save(connector: Connector, record: CallRecord): Promise<SavedCall> {
  const [result] = await connector.saveCalls([record]);
  if (result && "saved" in result) return result;
  if (result && "failed" in result) throw result.failed;
  throw new Error(`not saved: ${JSON.stringify(result)}`);
}

/** What a flow remembers as ours after a save. */
export function oursOf({ wrote }: Pick<SavedCall, "wrote">): Record<string, FieldValue[]> {
  return Object.fromEntries(Object.entries(wrote).map(([name, value]) => [name, [value]]));
}
