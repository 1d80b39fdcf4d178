import { randomBytes } from "node:crypto";
import {
  type Account,
  type Grant,
  GrantError,
  isGranted,
  type OAuth,
  type OAuthContext,
} from "../core/crm-app.ts";
import { Rejected } from "../core/errors.ts";
import { type Begun, createPending } from "../lib/pending.ts";
import type { Sealer } from "../lib/seal.ts";
import type { Store, StoredInstall } from "../store/contract.ts";

/** A CRM that can be installed. */
export type InstallableCrm = {
  label: string;
  oauth: OAuth;
  app: unknown;
  /** Of the manifest. */
  scopes: readonly string[];
  optionalScopes: readonly string[];
  /** Of a consent that signs a person in; absent where it has to ask for all that installing asks for. */
  signInScopes?: readonly string[] | undefined;
  /** What each optional scope enables. */
  features: Readonly<Record<string, string>>;
};

/** What is stored of an installation besides its grant. `settings`: as in a config file, without `crm`. */
export type InstallBody = {
  account: Account;
  /** The last consent in the CRM (ISO). */
  connectedAt?: string;
  scopes: string[];
  /** The last changes of the settings: who, and when (ISO). */
  changes: { version: number; at: string; by: string }[];
  settings: {
    region: string;
    timeZone?: string;
    providers: Record<string, unknown>;
    [setting: string]: unknown;
  };
};

export type Installed = { install: StoredInstall; body: InstallBody; grant: Grant; isNew: boolean };

export type Installer = {
  crms: ReadonlyMap<string, InstallableCrm>;
  /** The CRM's consent page, and what the browser must bring back. Throws `Rejected`. */
  begin(crm: string, given: { region: string; where?: string }): Begun & { url: string };
  /** After consent. The same account again is the same installation, with its settings. Throws `Rejected`. */
  finish(crm: string, given: { code: string; state: string; browser: string }): Promise<Installed>;
};

type InstallerParts = {
  crms: ReadonlyMap<string, InstallableCrm>;
  store: Pick<Store, "installs">;
  publicUrl: string;
  context: OAuthContext;
  /** Seals consents that are under way. */
  sealer: Sealer;
  /** Whether an installation of the config file has this name. */
  isTaken: (name: string) => boolean;
};

export function createInstaller({
  crms,
  store,
  publicUrl,
  context,
  sealer,
  isTaken,
}: InstallerParts): Installer {
  const consents = createConsents(context.now, sealer);
  const redirectUri = (crm: string) => `${publicUrl}/install/${crm}/callback`;
  const find = (crm: string): InstallableCrm => {
    const known = crms.get(crm);
    if (known) return known;
    const names = [...crms.keys()].join(", ") || "none: add your app under `apps` in the config file";
    throw new Rejected(
      404,
      `there is no CRM ${JSON.stringify(crm.slice(0, 40))} to install: there is ${names}`,
    );
  };

  return {
    crms,
    begin(crm, given) {
      const { oauth, app, scopes, optionalScopes } = find(crm);
      const begun = consents.begin({ crm, ...given });
      const { state, challenge } = begun;
      const where = given.where === undefined ? {} : { where: given.where };
      const consent = { redirectUri: redirectUri(crm), state, challenge, scopes, optionalScopes, ...where };
      return { ...begun, url: inWords(() => oauth.consentUrl(app, consent)) };
    },
    async finish(crm, { code, state, browser }) {
      const { oauth, app, scopes, label } = find(crm);
      const { verifier, region, where } = consents.finish(crm, state, browser);
      const given = { code, verifier, redirectUri: redirectUri(crm), ...(where !== undefined && { where }) };
      const { grant, account } = await granted(async () => {
        const grant = await oauth.exchange(app, given, context);
        return { grant, account: await oauth.account(app, grant, context) };
      });
      const refused = scopes.filter((scope) => !isGranted(grant.scopes, scope));
      if (refused.length > 0)
        throw new Rejected(
          400,
          `${label} did not grant ${refused.join(", ")}, without which nothing can be logged`,
        );
      const installs = await store.installs();
      const before = installs.find((one) => one.crm === crm && one.account === account.id);
      const isFree = (name: string) => !isTaken(name) && !installs.some((one) => one.name === name);
      const change = {
        version: (before?.version ?? 0) + 1,
        at: new Date(context.now()).toISOString(),
        by: `consent in ${label}`,
      };
      const body = withChange(bodyOf(before, account, grant, region), change);
      body.connectedAt = change.at;
      const install: StoredInstall = {
        name: before?.name ?? nameOf(crm, account, isFree),
        crm,
        account: account.id,
        state: "active",
        body: JSON.stringify(body),
        version: change.version,
        updatedAt: context.now(),
      };
      return { install, body, grant, isNew: before === undefined };
    },
  };
}

/** The settings of an earlier installation stay; a new one gets secrets for the providers that need ours. */
function bodyOf(
  before: StoredInstall | undefined,
  account: Account,
  grant: Grant,
  region: string,
): InstallBody {
  const known = before && (JSON.parse(before.body) as InstallBody);
  const secret = () => randomBytes(24).toString("base64url");
  const settings = known?.settings ?? {
    region,
    ...(account.timeZone && { timeZone: account.timeZone }),
    providers: { exotel: { secret: secret() }, voys: { secret: secret() } },
  };
  return { account, scopes: grant.scopes, changes: known?.changes ?? [], settings };
}

const mostChanges = 50;

export function withChange(body: InstallBody, change: InstallBody["changes"][number]): InstallBody {
  return { ...body, changes: [...body.changes, change].slice(-mostChanges) };
}

/** A name for URLs: the CRM's name of the account without special characters, with a number if it is taken. */
function nameOf(crm: string, { id }: Account, isFree: (name: string) => boolean): string {
  const safe = id.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  for (let n = 1; ; n += 1) {
    const end = n === 1 ? "" : `-${n}`;
    const name = `${`${crm}-${safe}`.slice(0, 40 - end.length).replace(/-+$/, "")}${end}`;
    if (isFree(name)) return name;
  }
}

/** The place of the account was entered by the person who installs, so a wrong one is their mistake. */
function inWords<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof GrantError ? new Rejected(400, error.message, { cause: error }) : error;
  }
}

async function granted<T>(work: () => Promise<T>): Promise<T> {
  return work().catch((error: unknown) => {
    throw rejectionOf(error);
  });
}

/** A grant that failed, as an HTTP answer. */
export function rejectionOf(error: unknown): unknown {
  if (!(error instanceof GrantError)) return error;
  const status = { revoked: 400, config: 500, later: 503 }[error.failure];
  return new Rejected(status, error.message, { cause: error });
}

/** A feature that needs an optional scope. `why`: why it is off, and how to switch it on. */
export type Feature = { feature: string; on: boolean; why?: string };

/** `connectAt`: where an administrator connects the account again. */
export function featuresOf(
  { label, optionalScopes, features }: Pick<InstallableCrm, "label" | "optionalScopes" | "features">,
  granted: readonly string[],
  connectAt: string,
): Feature[] {
  return optionalScopes.map((scope) => {
    const feature = features[scope] ?? `what needs ${scope}`;
    if (isGranted(granted, scope)) return { feature, on: true };
    const cure = `connect the account again at ${connectAt}, as a user who may grant it`;
    return { feature, on: false, why: `${label} did not grant ${scope}: ${cure}` };
  });
}

/** A consent that was begun. `verifier`: of PKCE. `region`: the country that was entered. */
type PendingConsent = { crm: string; verifier: string; region: string; where?: string };

/** Consents that are under way. */
export type Consents = {
  begin(pending: Omit<PendingConsent, "verifier">): Begun;
  /** Throws `Rejected(400)`. */
  finish(crm: string, state: string, browser: string): PendingConsent;
};

export function createConsents(now: () => number, sealer: Sealer): Consents {
  const pending = createPending<Omit<PendingConsent, "verifier">>(now, sealer, "consent");
  return {
    begin: pending.begin,
    finish(crm, state, browser) {
      const again = `Begin again at /install/${crm}.`;
      const found = pending.finish(state, browser);
      if (found === "unknown")
        throw new Rejected(
          400,
          `this consent was used already, or was begun in another browser or before another one. ${again}`,
        );
      if (found === "expired" || found.crm !== crm)
        throw new Rejected(400, `this consent took longer than ten minutes, or is another CRM's. ${again}`);
      return found;
    },
  };
}
