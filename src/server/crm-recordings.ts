import type { Config } from "../config/index.ts";
import type { ConnectorKind } from "../core/crm.ts";
import type { CrmRequestHead } from "../core/crm-app.ts";
import { Rejected } from "../core/errors.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import { recordingLinkOf } from "../flow/recordings/links.ts";
import { type RecordingCrm, registerRecordings } from "../installations/registrations.ts";
import { hmacSha256, sameSecret } from "../lib/secrets.ts";
import type { openInstalled } from "./installed.ts";
import type { Metrics } from "./metrics.ts";

type PlayerContext = {
  config: Config;
  flow: Flow;
  onRequest: Metrics["crmRequest"];
  kinds: Readonly<Record<string, ConnectorKind>>;
  installed: ReturnType<typeof openInstalled>;
  installations: ReadonlyMap<string, Installation>;
};

/** `secret`, `callId`: from the path of the request. */
type RecordingQuery = { secret: string; callId: string; head: CrmRequestHead };

const secretBytes = 24;

/** Recordings for the players of CRMs, which request each one from our app. */
export function openCrmRecordings({
  config,
  flow,
  onRequest,
  kinds,
  installed,
  installations,
}: PlayerContext) {
  const crms = new Map(
    [...(installed?.installer.crms ?? [])].flatMap(([crm, { label, app }]): [string, RecordingCrm][] => {
      const recordings = kinds[crm]?.recordings;
      return recordings ? [[crm, { label, app, recordings }]] : [];
    }),
  );
  let key: Uint8Array | undefined;
  const secretOf = async (crm: string): Promise<string> => {
    key ??= await flow.store.secret("crm-recordings");
    return hmacSha256(key, `recordings of ${crm}`).subarray(0, secretBytes).toString("base64url");
  };
  const registrations = registerRecordings({
    crms,
    address: async (crm) => `${config.publicUrl}/recordings/of/${crm}/${await secretOf(crm)}`,
    accounts: (crm) => installed?.accountsOf(crm) ?? [],
    context: { now: flow.now, onRequest: (request) => onRequest("installing", "oauth", request) },
    warn: (facts, sentence) => flow.log.warn(facts, sentence),
  });

  let isStarted = false;
  return {
    start(): void {
      isStarted = true;
      registrations.start();
    },
    stop(): void {
      isStarted = false;
      registrations.stop();
    },
    /** An account of this CRM was connected: a registration that the app alone could not make is made now. */
    connected(crm: string): void {
      if (isStarted) registrations.look(crm);
    },
    /** The body that answers a CRM's player. Throws `Rejected`. */
    async answer(crm: string, { secret, callId, head }: RecordingQuery): Promise<unknown> {
      const known = crms.get(crm);
      const isOurs = sameSecret(secret, await secretOf(crm));
      if (!known || !isOurs) throw new Rejected(404, "no CRM gets recordings at this address");
      known.recordings.verify(known.app, head, flow.now());
      const query = new URLSearchParams(/\?(.*)$/s.exec(head.url)?.[1] ?? "");
      const { installation: name } = known.recordings.read(known.app, query);
      const isConnected = installed?.stateOf(name)?.crm === crm;
      const installation = isConnected ? installations.get(name) : undefined;
      if (!installation)
        throw new Rejected(404, `${known.label} has no account here that is called so (any more)`);
      return known.recordings.reply(await recordingLinkOf(flow, installation, callId));
    },
  };
}
