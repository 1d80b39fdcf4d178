import type { Config, InstallationConfig } from "../config/index.ts";
import type { Archive } from "../core/archive.ts";
import type { ConnectorKind } from "../core/crm.ts";
import type { CrmRequest } from "../core/crm-app.ts";
import type { Provider } from "../core/provider.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import { inProcessLanes } from "../lanes/in-process.ts";
import { connect, type GrantAccess, type MappingInUse } from "./connect.ts";
import { addLanes } from "./lanes.ts";

export type Roster = ReturnType<typeof createRoster>;

type RosterContext = {
  config: Config;
  flow: Flow;
  kinds: Readonly<Record<string, ConnectorKind>>;
  providers: Readonly<Record<string, Provider>>;
  archive: Archive | undefined;
  onRequest: (installation: string, crm: string, request: CrmRequest) => void;
};

/** The installations that are at work. Those of the config file are there from the beginning. */
export function createRoster(context: RosterContext) {
  const { config, flow, kinds, providers, archive, onRequest } = context;
  const lanes = inProcessLanes({
    now: flow.now,
    onError: (lane, error, againInMs) =>
      flow.log.error({ lane, err: error, againInMs }, "background work failed; it is retried after a pause"),
  });
  const installations = new Map<string, Installation>();
  const mappings = new Map<string, MappingInUse>();
  const working = new Map<string, ReturnType<typeof addLanes>>();
  let isStarted = false;

  const enter = (settings: InstallationConfig, grants?: GrantAccess): void => {
    const kind = kinds[settings.crm.type];
    const { installation, mapping } = connect({ config, settings, flow, kind, grants, onRequest });
    installations.set(settings.name, installation);
    mappings.set(settings.name, mapping);
  };

  const begin = (installation: Installation): void => {
    const { name } = installation.settings;
    working.set(name, addLanes(lanes, { flow, installation, providers, archive }));
  };

  /** Ends the lanes of a name, and closes what its installation holds. */
  const end = async (name: string, installation?: Installation, mapping?: MappingInUse): Promise<void> => {
    await working.get(name)?.stop();
    working.delete(name);
    mapping?.close();
    await installation?.connector.close?.();
  };

  for (const settings of config.installations) enter(settings);

  return {
    installations: installations as ReadonlyMap<string, Installation>,
    mappings: mappings as ReadonlyMap<string, MappingInUse>,

    /** Also in place of the one that has its name: webhooks are taken all the time, and its pauses end. */
    async add(settings: InstallationConfig, grants?: GrantAccess): Promise<void> {
      const { name } = settings;
      const [installation, mapping] = [installations.get(name), mappings.get(name)];
      enter(settings, grants);
      await end(name, installation, mapping);
      const added = installations.get(name);
      if (isStarted && added) begin(added);
    },

    /** Its webhooks are refused from now on. Resolves when none of its work is under way. */
    async remove(name: string): Promise<void> {
      const [installation, mapping] = [installations.get(name), mappings.get(name)];
      installations.delete(name);
      mappings.delete(name);
      await end(name, installation, mapping);
    },

    /** A delivery of an installation was stored. */
    received: (name: string): void => working.get(name)?.received(),

    /** Calls of an installation can be delivered now. */
    wake: (name: string): void => lanes.wake(`${name}/deliver`),

    start(): void {
      isStarted = true;
      for (const installation of installations.values()) begin(installation);
    },

    /** Resolves when no work is under way. */
    async stop(): Promise<void> {
      for (const one of working.values()) void one.stop();
      await lanes.stop();
      for (const mapping of mappings.values()) mapping.close();
      for (const { connector } of installations.values()) await connector.close?.();
    },
  };
}
