import { Rejected } from "../core/errors.ts";
import { receiveContactEvents } from "../flow/contacts/contact-events.ts";
import type { Flow } from "../flow/installation.ts";
import type { InstallBody, Installed, Installer } from "../installations/installer.ts";
import type { openCrmRecordings } from "./crm-recordings.ts";
import type { openInstalled } from "./installed.ts";
import type { Roster } from "./roster.ts";

/** `version`: of the settings that were read. `by`: who changes them, for the list of changes. */
export type SettingsChange = { settings: Record<string, unknown>; version: number; by: string };

type OAuthInstallations = NonNullable<ReturnType<typeof openInstalled>>;

type AccountContext = {
  flow: Flow;
  roster: Roster;
  /** Undefined when the config names no app. */
  installed: OAuthInstallations | undefined;
  crmRecordings: ReturnType<typeof openCrmRecordings>;
};

/** The accounts that are connected by OAuth, from consent to disconnection. */
export function createAccounts({ flow, roster, installed, crmRecordings }: AccountContext) {
  const known = (name: string): OAuthInstallations => {
    if (installed?.stateOf(name)) return installed;
    const why = "was not connected by OAuth: its settings are in the config file";
    throw new Rejected(404, `the installation ${JSON.stringify(name.slice(0, 40))} ${why}, or there is none`);
  };

  return {
    /** Connects all accounts that are stored. Throws `ConfigError`. */
    async load(): Promise<void> {
      for (const { settings, keeper } of (await installed?.load()) ?? []) await roster.add(settings, keeper);
    },

    /** After consent at a CRM. Throws `Rejected`. */
    async install(crm: string, given: Parameters<Installer["finish"]>[1]): Promise<Installed> {
      if (!installed) throw new Rejected(404, "nothing can be installed here: the config file names no app");
      const done = await installed.installer.finish(crm, given);
      const { settings, keeper } = await installed.add(done);
      // Calls wait for a time that the CRM named when it still refused us.
      await flow.store.hurry(done.install.name, flow.now());
      await roster.add(settings, keeper);
      crmRecordings.connected(crm);
      return done;
    },

    /** Throws `ConfigError`, and `Rejected` when `version` is not the newest. */
    async changeSettings(name: string, { settings, version, by }: SettingsChange): Promise<void> {
      const given = settings as InstallBody["settings"];
      const changed = await known(name).change(name, given, version, by);
      await roster.add(changed.settings, changed.keeper);
    },

    /** Follows what another instance did to an account. */
    async follow(name: string): Promise<void> {
      const install = await flow.store.install(name);
      const isConnected = install?.state === "active" || install?.state === "reconnect";
      if (install && isConnected) {
        const changed = await installed?.reload(install);
        if (changed) await roster.add(changed.settings, changed.keeper);
        if (changed) crmRecordings.connected(install.crm);
      } else if (installed?.stateOf(name)) {
        installed.forget(name);
        await roster.remove(name);
      }
    },

    /** Revokes our access to the account and erases its tokens. */
    async disconnect(name: string): Promise<void> {
      const accounts = known(name);
      // No work may fetch a token while our access is being revoked.
      await roster.remove(name);
      await accounts.disconnect(name).catch(async (error: unknown) => {
        const before = accounts.connected(name);
        if (before) await roster.add(before.settings, before.keeper);
        throw error;
      });
    },

    /** A CRM's webhook about contacts, with a verified body. Throws `Rejected`. */
    async contactEvents(crm: string, body: Uint8Array): Promise<void> {
      const found = () => installed?.eventsIn(crm, body);
      // Another instance may have connected the account a moment ago.
      if (found()?.isMissing) await roster.tenancies?.catchUp();
      for (const { name, events } of found()?.known ?? []) {
        await receiveContactEvents(flow, name, roster.installations.get(name), events);
        roster.contactsChanged(name);
      }
    },
  };
}
