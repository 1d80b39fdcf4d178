import { readFileSync } from "node:fs";
import { type Config, faultsOfArchive, type InstallationConfig } from "../config/index.ts";
import { type CompileMapping, type ConfigReading, readInstallation } from "../config/installation.ts";
import { installationSchema } from "../config/schema.ts";
import type { ContactRef } from "../core/contact.ts";
import type { ConnectorKind } from "../core/crm.ts";
import type { ContactEvents, CrmRequest, CrmRequestHead, TokenSource } from "../core/crm-app.ts";
import { ConfigError, type Fault, Rejected } from "../core/errors.ts";
import type { BodyCheck } from "../core/provider.ts";
import type { Flow } from "../flow/installation.ts";
import { departed, watchDepartures } from "../installations/departures.ts";
import { type GrantKeeper, keepGrant, openGrant } from "../installations/grants.ts";
import {
  createInstaller,
  type Feature,
  featuresOf,
  type InstallableCrm,
  type InstallBody,
  type Installed,
  rejectionOf,
  withChange,
} from "../installations/installer.ts";
import { isObject } from "../lib/body.ts";
import { createSealer, SealError } from "../lib/seal.ts";
import { readManifest } from "../manifest.ts";
import { providers } from "../providers/index.ts";
import type { StoredInstall } from "../store/contract.ts";
import type { Metrics } from "./metrics.ts";

type ConnectorKinds = Readonly<Record<string, ConnectorKind>>;
type InstalledContext = {
  config: Config;
  flow: Flow;
  onRequest: Metrics["crmRequest"];
  kinds: ConnectorKinds;
};

type NamedEvents = { name: string; events: ContactEvents };

/** An installation that was made by OAuth. */
export type ConnectedInstallation = { settings: InstallationConfig; keeper: GrantKeeper };

/** The installations that are made by OAuth; undefined when the config names no app. */
export function openInstalled({ config, flow, onRequest, kinds }: InstalledContext) {
  const crms = installable(config, kinds);
  if (crms.size === 0) return undefined;
  const sealer = createSealer(config.sealingKeys);
  const schema = installationSchema(Object.keys(providers));
  const { store, now } = flow;
  const contextOf = (name: string, crm: string) => ({
    now,
    onRequest: (request: CrmRequest) => onRequest(name, crm, request),
  });
  const installer = createInstaller({
    crms,
    store,
    publicUrl: config.publicUrl,
    sealer,
    context: contextOf("installing", "oauth"),
    // One of the config file has other credentials, and webhook URLs that are not to be shown here.
    isTaken: (name) => config.installations.some((one) => one.name === name),
  });
  const keepers = new Map<string, GrantKeeper>();
  /** Of the settings that are in use here; a keeper may have read newer ones. */
  const versions = new Map<string, number>();

  const sayLost = ({ name, crm }: StoredInstall, reason: string): void =>
    flow.log.error(
      { installation: name, crm, reason },
      `the account is no longer connected; its calls wait. Connect it again at ${config.publicUrl}/install/${crm}`,
    );

  const left = async (crm: string, { id, at }: { id: string; at: number }): Promise<void> => {
    const reason = `uninstalled in ${crms.get(crm)?.label} at ${new Date(at).toISOString()}`;
    for (const keeper of keepers.values()) {
      const before = keeper.current();
      if (before.crm !== crm || before.account !== id || departed(before, at, reason, now()) === before)
        continue;
      const after = await keeper.update((stored) => departed(stored, at, reason, now()));
      if (after.reason === reason) sayLost(after, reason);
    }
  };

  const compileFile: CompileMapping = (path) => config.mappings.compile(readFileSync(path, "utf8"), path);

  const open = (install: StoredInstall, compileMapping = compileFile): ConnectedInstallation => {
    const { name, crm } = install;
    const known = crms.get(crm);
    const kind = kinds[crm];
    if (!known || !kind) {
      const problem = `has no app for ${crm} any more, which the installation ${name} was connected with.`;
      throw new ConfigError([{ at: "apps", problem, cure: "Put it back, or disconnect the account first." }]);
    }
    const settings = settingsOf(install, kind, known.app, { schema, compileMapping });
    const keeper =
      keepers.get(name) ??
      keepGrant(install, {
        store,
        sealer,
        oauth: known.oauth,
        app: known.app,
        context: contextOf(name, crm),
        lost: (reason) => sayLost(install, reason),
      });
    keepers.set(name, keeper);
    return { settings, keeper };
  };

  const use = (install: StoredInstall, compileMapping?: CompileMapping): ConnectedInstallation => {
    const opened = open(install, compileMapping);
    versions.set(install.name, install.version);
    return opened;
  };

  const forget = (name: string): void => {
    keepers.delete(name);
    versions.delete(name);
  };

  const keeperOf = (name: string): GrantKeeper => {
    const keeper = keepers.get(name);
    if (keeper) return keeper;
    throw new Rejected(404, `there is no installation ${name}`);
  };

  return {
    installer,
    /** The stored ones. Throws `ConfigError` when the key does not open their tokens. */
    async load(): Promise<ConnectedInstallation[]> {
      const installs = (await store.installs()).filter(
        ({ state }) => state === "active" || state === "reconnect",
      );
      for (const install of installs)
        if (install.sealed !== undefined) refuseWrongKey(() => openGrant(install, sealer), install.name);
      // All accounts of a CRM that have no mapping of their own share a file.
      const compiled = new Map<string, ReturnType<CompileMapping>>();
      const compileOnce: CompileMapping = (path) => {
        const mapping = compiled.get(path) ?? compileFile(path);
        compiled.set(path, mapping);
        return mapping;
      };
      return installs.map((install) => use(install, compileOnce));
    },
    /** Stores the grant before it is used. */
    async add({ install, grant }: Installed): Promise<ConnectedInstallation> {
      const isNew = !keepers.has(install.name);
      const { keeper } = open(install);
      try {
        return use(await keeper.replace(install, grant));
      } catch (error) {
        // It was never stored, so it must not count as an installation.
        if (isNew) forget(install.name);
        throw error;
      }
    },
    async change(
      name: string,
      settings: InstallBody["settings"],
      version: number,
      by: string,
    ): Promise<ConnectedInstallation> {
      const next = await keeperOf(name).update((before) => {
        if (before.version !== version)
          throw new Rejected(
            409,
            `the settings were changed meanwhile: read them again (version ${before.version})`,
          );
        const change = { version: version + 1, at: new Date(now()).toISOString(), by };
        const body = withChange({ ...(JSON.parse(before.body) as InstallBody), settings }, change);
        const next = { ...before, body: JSON.stringify(body), version: version + 1, updatedAt: now() };
        // Settings that cannot be read are not stored.
        const faults = faultsOfArchive([open(next).settings], config.archive, "installation ");
        if (faults.length > 0) throw new ConfigError(faults);
        return next;
      });
      return use(next);
    },
    async disconnect(name: string): Promise<void> {
      await keeperOf(name).update(async (install) => {
        const known = crms.get(install.crm);
        if (known && install.state === "active") {
          const grant = refuseWrongKey(() => openGrant(install, sealer), name);
          await known.oauth
            .disconnect(known.app, grant, contextOf(name, install.crm))
            .catch((error: unknown) => {
              throw rejectionOf(error);
            });
        }
        const { sealed: _, ...rest } = install;
        return { ...rest, state: "removed", updatedAt: now() };
      });
      forget(name);
    },
    /** After another instance has stored it; undefined when nothing of it is new here. */
    async reload(install: StoredInstall): Promise<ConnectedInstallation | undefined> {
      const keeper = keepers.get(install.name);
      await keeper?.refresh();
      const newest = keeper?.current() ?? install;
      return versions.get(install.name) === newest.version ? undefined : use(newest);
    },
    connected(name: string): ConnectedInstallation | undefined {
      const install = keepers.get(name)?.current();
      return install && use(install);
    },
    /** It is being erased and no longer counts as connected. */
    forget,
    /** The check of a webhook's body; undefined when the CRM has no such webhook. Throws `Rejected`. */
    verifyWebhook(crm: string, head: CrmRequestHead): BodyCheck | undefined {
      const known = crms.get(crm);
      return known && kinds[crm]?.webhook?.verify(known.app, head, now());
    },
    /** The events of a webhook by installation; `isMissing`: some are of accounts that are not connected here. Throws `Rejected`. */
    eventsIn(crm: string, body: Uint8Array): { known: NamedEvents[]; isMissing: boolean } {
      const installs = [...keepers.values()].map((keeper) => keeper.current());
      const all = kinds[crm]?.webhook?.read(body) ?? [];
      const known = all.flatMap((events) => {
        const install = installs.find((one) => one.crm === crm && one.account === events.account);
        return install ? [{ name: install.name, events }] : [];
      });
      return { known, isMissing: known.length < all.length };
    },
    stateOf: (name: string) => keepers.get(name)?.current(),
    /** The features that optional scopes enable for an installation; none when the CRM has no optional scopes. */
    featuresOf(name: string): Feature[] {
      const keeper = keepers.get(name);
      const crm = keeper && crms.get(keeper.current().crm);
      if (!crm) return [];
      return featuresOf(crm, keeper.scopes(), `${config.publicUrl}/install/${keeper.current().crm}`);
    },
    /** Where people see a contact in the CRM; undefined when that is not known. */
    recordUrlOf(name: string, contact: ContactRef): string | undefined {
      const install = keepers.get(name)?.current();
      if (!install) return undefined;
      const { account } = JSON.parse(install.body) as InstallBody;
      return kinds[install.crm]?.recordUrl?.(account, contact);
    },
    /** Access to the connected accounts of a CRM. */
    accountsOf: (crm: string): TokenSource[] =>
      [...keepers.values()].flatMap((keeper) => {
        const install = keeper.current();
        return install.crm === crm && install.state === "active" ? [keeper.tokens] : [];
      }),
    /** Watches for accounts that uninstall us at their CRM. */
    watch: (everyMs?: number) =>
      watchDepartures({
        crms,
        store,
        left,
        context: contextOf("installing", "oauth"),
        warn: (facts, sentence) => flow.log.warn(facts, sentence),
        ...(everyMs !== undefined && { everyMs }),
      }),
  };
}

function installable({ apps }: Config, kinds: ConnectorKinds): Map<string, InstallableCrm> {
  const { crms } = readManifest();
  return new Map(
    Object.entries(apps).flatMap(([crm, app]) => {
      const oauth = kinds[crm]?.oauth;
      const manifest = crms.find(({ id }) => id === crm);
      if (!oauth || !manifest?.oauth) return [];
      const { scopes, optionalScopes, signIn, features } = manifest.oauth;
      const signInScopes = signIn?.scopes.length ? signIn.scopes : undefined;
      const { label } = manifest;
      return [[crm, { label, oauth, app, scopes, optionalScopes, features, signInScopes }] as const];
    }),
  );
}

/** Its settings, read like those of a config file, without credentials. Throws `ConfigError`. */
function settingsOf(
  { name, crm, body }: StoredInstall,
  kind: ConnectorKind,
  app: unknown,
  reading: Pick<ConfigReading, "schema" | "compileMapping">,
): InstallationConfig {
  const { settings } = JSON.parse(body) as InstallBody;
  const api = Object.entries(isObject(app) ? app : {}).filter(([name]) =>
    ["apiUrl", "apiVersion", "appId"].includes(name),
  );
  const faults: Fault[] = [];
  const kinds = { providers, connectors: { [crm]: { ...kind, settings: kind.installed ?? kind.settings } } };
  const at = `installation ${name}`;
  const given = { ...settings, crm: { type: crm, ...Object.fromEntries(api) } };
  const read = readInstallation(name, given, at, { ...reading, file: at, kinds, faults });
  if (!read) throw new ConfigError(faults);
  return read;
}

function refuseWrongKey<T>(open: () => T, name: string): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    const problem = `does not open the tokens of the installation ${name}: ${error.message}.`;
    const cure = "Set the key that they were sealed with, alone or behind the new one and a comma.";
    throw new ConfigError([{ at: "environment: SWITCHHOOK_KEY", problem, cure }]);
  }
}
