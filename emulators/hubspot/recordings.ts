import type { EmulatorReply } from "../contract.ts";
import { tokenOf } from "./access.ts";
import { bodyOf, type CrmRequest, type CrmRoute } from "./crm-route.ts";
import type { Grants } from "./grants.ts";
import { findRecord, type Portal } from "./portal.ts";
import { invalid, notFound, type Problem, problemReply, refuse } from "./refusals.ts";
import type { StoredRecord, Values } from "./types.ts";

const needed = ["hs_call_external_id", "hs_call_external_account_id", "hs_call_app_id", "hs_call_source"];

type Setting = { urlToRetrieveAuthedRecording: string; createdAt: string; updatedAt: string };

export type FetchedRecording = { status: number; body: unknown };

/** Whose token may say where an app has its recordings: the app's own, or that of an account which installed it. */
export type RecordingSetter = "app" | "account";

/** `appId`: of the portal's app. */
type SetterOptions = {
  appId: number | undefined;
  setters: readonly RecordingSetter[];
  find: Grants["find"];
};

/** Recordings of calls that the app keeps: where they are asked for, and which are there. */
export function createRecordings(portal: Portal, { appId, setters, find }: SetterOptions) {
  const settings = new Map<string, Setting>();
  return { routes, fetchRecording };

  /** unverified: which scope the setting needs, and whose token. */
  function routes(): CrmRoute[] {
    const setting = (method: string, handle: CrmRoute["handle"]): CrmRoute => ({
      method,
      area: "crm/extensions/calling",
      rest: "/(\\d+)/settings/recording",
      kind: "recording setting",
      scopes: () => [],
      handle: (request) => (maySet(request) ? handle(request) : problemReply(forbidden)),
    });
    return [
      setting("GET", ({ params }) => tell(params[0])),
      setting("POST", register),
      setting("PATCH", register),
      {
        method: "POST",
        area: "crm/extensions/calling",
        rest: "/recordings/ready",
        kind: "recording ready",
        scopes: () => [["crm.objects.contacts.write"]],
        handle: markReady,
      },
    ];
  }

  /** A private app has no such setting, and no app sets another's. */
  function maySet(request: CrmRequest): boolean {
    const grant = find(tokenOf(request));
    if (!grant || request.params[0] !== String(appId)) return false;
    return setters.includes(grant.install ? "account" : "app");
  }

  function register(request: CrmRequest): EmulatorReply {
    const [appId = ""] = request.params;
    const url = String(bodyOf(request)["urlToRetrieveAuthedRecording"] ?? "");
    if (!/^https?:\/\//.test(url) || !url.includes("%s")) {
      throw refuse(invalid("urlToRetrieveAuthedRecording must be a URL with %s for the external id."));
    }
    const at = new Date(portal.now()).toISOString();
    const createdAt = settings.get(appId)?.createdAt ?? at;
    settings.set(appId, { urlToRetrieveAuthedRecording: url, createdAt, updatedAt: at });
    return tell(appId);
  }

  function tell(appId = ""): EmulatorReply {
    const setting = settings.get(appId);
    return setting ? { status: 200, body: setting } : problemReply(notFound);
  }

  function markReady(request: CrmRequest): EmulatorReply {
    const { engagementId } = bodyOf(request);
    const call = findRecord(portal, "calls", String(engagementId ?? ""));
    if (!call) return problemReply(notFound);
    const missing = missingFor(call.values);
    if (missing.length > 0) {
      const context = { properties: missing };
      return problemReply(invalid(`The call has no ${missing.join(", ")}`, { context }));
    }
    portal.readyRecordings.add(call.id);
    return { status: 204 };
  }

  /**
   * Asks the app for a call's recording, as HubSpot does when somebody plays it. unverified: whether it signs this.
   * `via`: where the app's public address leads to.
   */
  async function fetchRecording(callId: string, via?: string): Promise<FetchedRecording> {
    const url = askedUrl(findRecord(portal, "calls", callId));
    const response = await fetch(via === undefined ? url : new URL(url.pathname + url.search, via));
    const text = await response.text();
    return { status: response.status, body: parsed(text) };
  }

  function askedUrl(call: StoredRecord | undefined): URL {
    if (!call) throw new Error("there is no such call");
    const missing = missingFor(call.values);
    if (missing.length > 0) throw new Error(`the call has no ${missing.join(", ")}`);
    const [externalId = "", account = "", appId = ""] = needed.map((name) => call.values[name]);
    const setting = settings.get(appId);
    if (!setting) throw new Error(`app ${appId} registered no URL for recordings`);
    const withId = setting.urlToRetrieveAuthedRecording.replaceAll("%s", () =>
      encodeURIComponent(externalId),
    );
    const url = new URL(withId);
    url.searchParams.set("appId", appId);
    url.searchParams.set("externalAccountId", account);
    return url;
  }
}

const forbidden: Problem = {
  status: 403,
  category: "FORBIDDEN",
  message: "This token may not read or change the recording settings of the app.",
};

const missingFor = (values: Values) => needed.filter((name) => values[name] === undefined);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
