import { type HubspotEmulator, type HubspotOptions, startHubspot } from "@switchhook/emulators/hubspot";
import { onTestFinished } from "vitest";
import { createHubspot } from "../../connectors/hubspot/index.ts";
import type { CallRecord, Connector, Fields, SaveResult } from "../../src/core/crm.ts";
import type { CrmRequest } from "../../src/core/crm-app.ts";
import { CrmError } from "../../src/core/errors.ts";
import { oursAfterSaving, oursWhileSending } from "../../src/flow/calls/record.ts";

const hubspot = createHubspot();

export type Portal = {
  crm: HubspotEmulator;
  connector: Connector;
  warnings: string[];
  requests: CrmRequest[];
  /** Moves our clock, not the emulator's. */
  wait(ms: number): void;
  /** Moves both clocks: what was new to HubSpot's search gets old. */
  passes(ms: number): void;
  now(): number;
  /** The same account after a restart of ours; `connector` is that one from then on. */
  reconnect(): Connector;
  /** Kinds of requests that came since the last look, in order. */
  asked(): string[];
  tearDown(): Promise<void>;
};

export type PortalOptions = HubspotOptions & {
  region?: string;
  contactFields?: string[];
  apiVersion?: string;
  /** The number of our app, as an account has it that was connected by OAuth. */
  appId?: number;
  /** What the account says that it grants, whatever it does. */
  granted?: () => readonly string[];
};

/** An emulated HubSpot account with a connector to it. Limits are off unless given. */
export async function openPortal(options: PortalOptions = {}): Promise<Portal> {
  const { contactFields = [], apiVersion, appId, granted, region = "NL" } = options;
  let later = 0;
  let passed = 0;
  const crm = await startHubspot({
    limits: false,
    strictSearch: true,
    ...options,
    region,
    now: () => Date.now() + passed,
  });
  const warnings: string[] = [];
  const requests: CrmRequest[] = [];
  const open: Connector[] = [];
  const now = () => Date.now() + passed + later;
  let seen = 0;
  const connect = (): Connector => {
    const settings = hubspot.settings.parse({
      type: "hubspot",
      token: crm.token,
      apiUrl: crm.url,
      ...(apiVersion && { apiVersion }),
    });
    const connector = hubspot.connect(
      { ...settings, ...(appId !== undefined && { appId }) },
      {
        installation: "acme",
        region,
        contactFields: () => contactFields,
        now,
        warn: (message) => warnings.push(message),
        onRequest: (request) => requests.push(request),
        ...(granted && { scopes: granted }),
      },
    );
    open.push(connector);
    return connector;
  };
  const portal: Portal = {
    crm,
    connector: connect(),
    warnings,
    requests,
    wait: (ms) => {
      later += ms;
    },
    passes: (ms) => {
      passed += ms;
    },
    now,
    reconnect: () => {
      portal.connector = connect();
      return portal.connector;
    },
    asked: () => {
      const kinds = crm.requests.slice(seen).map(({ kind }) => kind);
      seen = crm.requests.length;
      return kinds;
    },
    tearDown: async () => {
      for (const connector of open) await connector.close?.();
      await crm.stop();
    },
  };
  return portal;
}

/** A portal that is prepared, has been asked nothing since, and ends with its test. */
export async function readyPortal(options: PortalOptions = {}): Promise<Portal> {
  const portal = await openPortal(options);
  onTestFinished(portal.tearDown);
  await portal.connector.prepare?.();
  portal.asked();
  return portal;
}

/** Scopes of an app that may not make properties, so that the account has none of ours. */
export const withoutSchemas = ["contacts", "companies", "deals"]
  .flatMap((type) => [`crm.objects.${type}.read`, `crm.objects.${type}.write`])
  .concat("crm.objects.owners.read", "tickets");

/** A call as our store keeps it: what may be ours is kept before each sending, what the answer said after it. */
export function storedCall(portal: Portal, first: CallRecord) {
  let record = first;
  return {
    record: () => record,
    async deliver(change: Partial<CallRecord> = {}): Promise<SaveResult> {
      const sent = { ...record, ...change };
      record = { ...sent, ours: oursWhileSending(sent), sentAt: sent.sentAt ?? portal.now() };
      let result: SaveResult | undefined;
      try {
        [result] = await portal.connector.saveCalls([sent]);
      } catch (error) {
        if (!(error instanceof CrmError)) throw error;
        return { key: sent.key, failed: error };
      }
      if (!result) throw new Error("nothing was said about the call");
      if ("failed" in result && result.contactGone) {
        const { contact: _, ...rest } = record;
        record = rest;
      }
      if (!("saved" in result)) return result;
      const { sentAt: _, ...rest } = record;
      const contact = result.contact ?? sent.contact;
      record = { ...rest, ours: oursAfterSaving(sent, result), activityId: result.saved };
      const isLinked = record.ours["contactId"] !== undefined;
      if (contact) record = { ...record, contact, ...(isLinked && { linked: true }) };
      return result;
    },
  };
}

export function callRecord(id: string, more: Partial<CallRecord> = {}): CallRecord {
  const fields: Fields = {
    hs_timestamp: "2026-11-20T10:00:00Z",
    hs_call_title: "Inbound call",
    hs_call_external_id: id,
  };
  return { key: `acme:voys:${id}`, fields, modes: {}, ours: {}, ...more };
}

/** The failure of a result, which must be one. */
export function failure(result: SaveResult | undefined): CrmError {
  if (result && "failed" in result) return result.failed;
  throw new Error(`not failed: ${JSON.stringify(result)}`);
}

/** The one result, which must be a saved call. */
export function saved(results: readonly SaveResult[]): Extract<SaveResult, { saved: string }> {
  const [result] = results;
  if (result && "saved" in result) return result;
  if (result && "failed" in result) throw result.failed;
  throw new Error(`not saved: ${JSON.stringify(result)}`);
}
