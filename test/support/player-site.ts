import { signV3 } from "@switchhook/emulators/hubspot";
import { post } from "@switchhook/emulators/test/hubspot-app";
import { ask } from "@switchhook/emulators/test/hubspot-requests";
import { openGrant } from "../../src/installations/grants.ts";
import { createSealer } from "../../src/lib/seal.ts";
import { providers } from "../../src/providers/index.ts";
import type { StoredInstall } from "../../src/store/contract.ts";
import { inboundCall } from "./calls.ts";
import { installSite, key } from "./install-site.ts";
import { scriptWithRecording } from "./recorded.ts";
import { waitFor } from "./server.ts";
import { fileServer, startUpstream } from "./upstream.ts";

export type PlayerSite = Awaited<ReturnType<typeof playerSite>>;

const appId = "7";

/** A server whose app HubSpot's own player asks for recordings; they are `audio`, at a provider. */
export async function playerSite(audio: Buffer) {
  const upstream = await startUpstream(fileServer(audio));
  const site = await installSite("hubspot", { webhooks: true, player: true });
  const store = () => site.server.parts.flow.store;
  const path = `/crm/extensions/calling/2026-03/${appId}/settings/recording`;

  /** Where HubSpot was told to ask, with `%s` for the call. */
  const place = async (): Promise<string> => {
    const token = await tokenOfApp();
    return waitFor("HubSpot to know where to ask", async () => {
      const { status, body } = await ask(site.portal, "GET", path, undefined, token);
      return status === 200 && String(body["urlToRetrieveAuthedRecording"]);
    });
  };

  const tokenOfApp = async (): Promise<string> => {
    const client = { client_id: "our-app", client_secret: site.clientSecret };
    const scope = "developer.webhooks_journal.read";
    const { body } = await post(site.portal, { ...client, grant_type: "client_credentials", scope });
    return String(body["access_token"]);
  };

  /** Exotel's recordings are at the upstream, from now on. */
  const withRecordings = (install: StoredInstall): StoredInstall => {
    const body = JSON.parse(install.body) as { settings: { providers: Record<string, object> } };
    const exotel = { secret: "exotel-secret", apiUrl: upstream.url };
    const settings = {
      ...body.settings,
      settleSeconds: 0,
      providers: { ...body.settings.providers, exotel },
    };
    return { ...install, body: JSON.stringify({ ...body, settings }) };
  };

  return {
    ...site,
    place,
    upstream,
    /** An account that consents, and another whose calls go to the same portal. */
    async connect(): Promise<[string, string]> {
      const { name } = await site.install();
      const install = (await store().installs()).find((one) => one.name === name);
      if (!install) throw new Error("nothing was installed");
      const sealer = createSealer([key]);
      const other = { ...withRecordings(install), name: "other", account: "2" };
      const sealed = sealer.seal(JSON.stringify(openGrant(install, sealer)), other.name);
      await store().saveInstall(withRecordings(install));
      await store().saveInstall({ ...other, sealed });
      await site.server.restart();
      return [name, other.name];
    },
    /** A call of Exotel with a recording, unless nobody took it. */
    async call(name: string, id: string, isTaken = true): Promise<void> {
      const missed = { outcome: "no-answer", talkSeconds: 0 } as const;
      const call = inboundCall("exotel", { id, ...(!isTaken && missed) });
      const settings = site.server.parts.installations.get(name)?.providers["exotel"]?.settings;
      const { simulate } = providers["exotel"] ?? {};
      const ref = `${upstream.url}/${encodeURIComponent(id)}.mp3`;
      for (const request of scriptWithRecording(site.server, "exotel", call, ref)) {
        const url = `${site.publicUrl}/webhooks/${name}/exotel`;
        const signed = simulate?.sign(request, settings as never, { now: Date.now(), url });
        const { method = "", headers = {}, body = new Uint8Array(), query = "" } = signed ?? {};
        const sent = await fetch(`${url}?${query}`, { method, headers, body: Buffer.from(body) });
        if (sent.status !== 200) throw new Error(`${sent.status}: ${await sent.text()}`);
      }
      await waitFor(`the call ${id} in HubSpot`, async () => {
        const row = (await store().call(`${name}:exotel:${id}`))?.row;
        const isWhole = row?.call.phase === "ended" && (row.call.recording !== undefined) === isTaken;
        return isWhole && row.activityId !== undefined && row.savedRevision === row.call.revision;
      });
    },
    /** The address that HubSpot asks about a call; undefined leaves a parameter out. */
    async address(callId: string, account?: string, app: string | undefined = appId): Promise<string> {
      const url = new URL((await place()).replace("%s", encodeURIComponent(callId)));
      if (app) url.searchParams.set("appId", app);
      if (account !== undefined) url.searchParams.set("externalAccountId", account);
      return url.href;
    },
    /** Asks as HubSpot does if it signs such requests. */
    signed(url: string, { secret = site.clientSecret, timestamp = Date.now() } = {}): Promise<Response> {
      const signature = signV3({ method: "GET", url, body: "", secret, timestamp });
      const headers = {
        "x-hubspot-signature-v3": signature,
        "x-hubspot-request-timestamp": String(timestamp),
      };
      return fetch(url, { headers });
    },
    registrations: () =>
      site.portal.requests
        .filter(({ kind, method }) => kind === "recording setting" && method !== "GET")
        .map(({ method }) => method),
    async stop(): Promise<void> {
      await site.stop();
      await upstream.stop();
    },
  };
}
