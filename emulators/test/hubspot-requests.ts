import { Client } from "@hubspot/api-client";
import { onTestFinished } from "vitest";
import { type HubspotEmulator, type HubspotOptions, startHubspot } from "../hubspot/index.ts";

export type Version = "2026-03" | "2026-09";

type Told = {
  id: string;
  properties: Record<string, string | null>;
  archived: boolean;
  new?: boolean;
  objectWriteTraceId?: string;
  associations?: Record<string, { results: { id: string; type: string }[] }>;
  [more: string]: unknown;
};

type Fault = { category: string; message: string; context: Record<string, string[]> };

/** An answer of any kind; a test reads the parts that it expects. */
export type Answer = {
  status: number;
  headers: Headers;
  body: Told & {
    results: Told[];
    total: number;
    numErrors?: number;
    errors: (Fault & { code?: string })[];
    message: string;
    category: string;
    context?: Record<string, string[]>;
    policyName?: string;
    paging?: { next: { after: string } };
  };
};

/** A portal that stops with the test. */
export async function startPortal(options: HubspotOptions = {}): Promise<HubspotEmulator> {
  const portal = await startHubspot(options);
  onTestFinished(() => portal.stop());
  return portal;
}

/** `path`: below the server, or `objects/...`, `associations/...` of the version 2026-03. */
export async function ask(
  portal: HubspotEmulator,
  method: string,
  path: string,
  body?: unknown,
  token: string = portal.token,
): Promise<Answer> {
  const [area, ...rest] = path.split("/");
  const url = path.startsWith("/") ? path : `/crm/${area}/2026-03/${rest.join("/")}`;
  const response = await fetch(portal.url + url, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: (text === "" ? {} : JSON.parse(text)) as Answer["body"],
  };
}

/** The official client, moved to dated paths. */
export function officialClient(portal: HubspotEmulator, version: Version = "2026-03"): Client {
  const moved = /\/crm\/v[34]\/(objects|associations|owners|properties|extensions\/calling)/;
  return new Client({
    accessToken: portal.token,
    basePath: portal.url,
    middleware: [
      {
        pre(context: { getUrl(): string; setUrl(url: string): void }) {
          context.setUrl(context.getUrl().replace(moved, `/crm/$1/${version}`));
          return Promise.resolve(context);
        },
        post: (response: unknown) => Promise.resolve(response),
      },
    ],
  });
}

export const keyProperty = "switchhook_key";

/** A portal whose calls have a unique property. */
export function startPortalWithKey(options: HubspotOptions = {}): Promise<HubspotEmulator> {
  const key = { objectType: "calls", name: keyProperty, type: "string", hasUniqueValue: true } as const;
  return startPortal({ ...options, properties: [key] });
}

/** A row of an upsert of calls. */
export function callRow(key: string, more: Record<string, string> = {}, trace: string | undefined = key) {
  return {
    id: key,
    idProperty: keyProperty,
    ...(trace === undefined ? {} : { objectWriteTraceId: trace }),
    properties: { [keyProperty]: key, hs_timestamp: "2026-11-20T10:00:00Z", ...more },
  };
}
