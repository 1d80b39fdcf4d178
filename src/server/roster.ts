import type { Config, InstallationConfig } from "../config/index.ts";
import type { ConnectorKind } from "../core/crm.ts";
import type { CrmRequest } from "../core/crm-app.ts";
import type { Provider } from "../core/provider.ts";
import type { Archive } from "../core/recording.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import type { TenancyHooks } from "../instances/hooks.ts";
import type { Tenancies } from "../instances/tenancies.ts";
import type { WorkClaim } from "../store/contract.ts";
import { type Connected, connect, type GrantAccess, type MappingInUse } from "./connect.ts";
import { addLanes, createLanes, type InstallationLanes, type LaneKind } from "./lanes.ts";
import { type Resting, watchInstallations } from "./sweep.ts";

export type Roster = ReturnType<typeof createRoster>;

type RosterContext = {
  config: Config;
  flow: Flow;
  kinds: Readonly<Record<string, ConnectorKind>>;
  providers: Readonly<Record<string, Provider>>;
  archive: Archive | undefined;
  onRequest: (installation: string, crm: string, request: CrmRequest) => void;
  /** Absent when this process is the only one. */
  join?: ((hooks: RosterHooks) => Tenancies) | undefined;
};

/** What the tenancies need of the installations. */
export type RosterHooks = Pick<TenancyHooks, "knows" | "take" | "drop" | "wake" | "isIdle">;

/** An installation syncs often for as long as this after its last call. */
const activeMs = 86_400_000;
/** A delivery makes its installation sync when the last sync is older than this. */
const staleMs = 5 * 60_000;
/** What is not used for this long is let go. */
const idleMs = 5 * 60_000;
/**
 * Work that has been at rest for this long may be another instance's. Longer than a connector waits before it searches for
 * what an earlier holder sent (HubSpot without our property: 60 s): the next holder would have to wait again.
 */
const lingerMs = 90_000;
const letGoEveryMs = 1_000;
/** Of more open installations than this, those without calls are let go soon after their work. */
const mostOpen = 4;
const soonMs = 2_000;

type Member = Connected & {
  isOfFile: boolean;
  lanes?: InstallationLanes;
  /** When it last received a delivery, or its newest call changed. */
  calledAt?: number;
  syncedAt?: number;
  /** Called after each sync. */
  synced?: () => void;
};

/**
 * The installations, those of the config file from the beginning. Each has its settings and providers; its lanes are added
 * when there is work for the first time, and its connector and its mapping are open while they are used.
 */
export function createRoster(context: RosterContext) {
  const { config, flow, kinds, providers, archive, onRequest, join } = context;
  const lanes = createLanes(flow);
  const members = new Map<string, Member>();
  const installations = new Map<string, Installation>();
  const mappings = new Map<string, MappingInUse>();
  const open = new Set<Member>();
  /** By name, while the work of a member that was removed or replaced is still under way. */
  const endings = new Map<string, Promise<void>>();
  /** The right to work for an installation, where several instances share the store. */
  const claims = new Map<string, WorkClaim>();
  let isStarted = false;

  const enter = (settings: InstallationConfig, grants?: GrantAccess): Member => {
    const kind = kinds[settings.crm.type];
    const opened = (): void => void open.add(member);
    const share = (isTold: boolean): number =>
      tenancies?.share({ installation: settings.name, isHeld: claims.has(settings.name), isTold }) ?? 1;
    const connected = connect({ config, settings, flow, kind, grants, onRequest, opened, share });
    const member: Member = { ...connected, isOfFile: grants === undefined };
    members.set(settings.name, member);
    installations.set(settings.name, member.installation);
    mappings.set(settings.name, member.mapping);
    return member;
  };

  /** Adds the lanes of a member, which run at once; it has them from then on. */
  const begin = (member: Member): InstallationLanes => {
    const { installation, during } = member;
    const claim = claims.get(installation.settings.name);
    const store = claim && flow.store.shared?.as(claim, () => tenancies?.overtaken(claim));
    member.lanes ??= addLanes(lanes, {
      flow: store ? { ...flow, store } : flow,
      isTakeOver: claim !== undefined,
      installation,
      providers,
      archive,
      during,
      isActive: () => isActive(member),
      synced: () => {
        member.syncedAt = flow.now();
        member.synced?.();
      },
    });
    member.watch(() => member.lanes?.wake("sync"));
    return member.lanes;
  };

  const isWithin = (at: number | undefined, ms: number): boolean => at !== undefined && flow.now() - at < ms;
  const isActive = ({ calledAt }: Member): boolean => isWithin(calledAt, activeMs);

  /** The member that may work now. */
  const ready = (name: string): Member | undefined =>
    isStarted && !endings.has(name) ? members.get(name) : undefined;

  /** Wakes a lane: here, or at the instance that does the work of this installation. */
  const wake = (name: string, lane: LaneKind): void => {
    const member = ready(name);
    if (!member) return;
    if (tenancies && !member.lanes) tenancies.want(name, lane);
    else begin(member).wake(lane);
  };

  /** Ends the lanes of a member, and closes what it holds. */
  const end = async (member: Member): Promise<void> => {
    await member.lanes?.stop();
    member.synced?.();
    open.delete(member);
    await member.close();
  };

  /** Ends a member; its name has no work until this one and those before it have ended. */
  const leave = async (name: string, member: Member | undefined): Promise<void> => {
    const earlier = endings.get(name)?.catch(() => {});
    const ending = Promise.all([earlier, member && end(member)]).then(() => {});
    endings.set(name, ending);
    try {
      await ending;
    } finally {
      if (endings.get(name) === ending) endings.delete(name);
    }
  };

  const notClosed = (installation: string, err: unknown): void =>
    flow.log.warn({ installation, err }, "the connection to a CRM could not be closed");

  const letGo = (): void => {
    for (const member of open) {
      const mayGoSoon = open.size > mostOpen && !isWithin(member.calledAt, idleMs);
      if (member.idleMs() < (mayGoSoon ? soonMs : idleMs)) continue;
      open.delete(member);
      void member.close().catch((err: unknown) => notClosed(member.installation.settings.name, err));
    }
  };

  const watch = () =>
    watchInstallations({
      flow,
      installations,
      resting: () => [...members.values()].filter(({ lanes }) => !lanes).map(restingOf),
      isOpen: (name) => members.get(name)?.isOpen() === true,
      wake,
      instances: tenancies && (() => tenancies.counts().instances),
    });
  let sweep: ReturnType<typeof watch> | undefined;
  let letGoTimer: NodeJS.Timeout | undefined;

  const stopSweep = async (): Promise<void> => {
    const stopping = sweep;
    sweep = undefined;
    await stopping?.stop();
  };

  const tenancies = join?.({
    knows: (name) => ready(name) !== undefined,
    async take(claim) {
      const { installation } = claim;
      claims.set(installation, claim);
      const member = ready(installation);
      // What the connector knows of the time before is another holder's.
      await member?.renew().catch((err: unknown) => notClosed(installation, err));
      const isSame = claims.get(installation) === claim && members.get(installation) === member;
      if (member && isSame) begin(member);
    },
    async drop(name) {
      claims.delete(name);
      const member = members.get(name);
      await Promise.all([member?.lanes?.stop({ abort: true }), endings.get(name)?.catch(() => {})]);
      if (member) delete member.lanes;
    },
    wake({ installation, lane }) {
      const member = ready(installation);
      if (!member?.lanes) return false;
      if (lane === "decode") member.calledAt = flow.now();
      member.lanes.wake(lane as LaneKind);
      return true;
    },
    isIdle: (name) => (members.get(name)?.idleMs() ?? Number.POSITIVE_INFINITY) > lingerMs,
  });

  const restingOf = (member: Member): Resting => ({
    installation: member.installation,
    isOfFile: member.isOfFile,
    called: (at) => {
      member.calledAt = Math.max(at, member.calledAt ?? 0);
    },
    isActive: () => isActive(member),
    sync: () =>
      new Promise((synced) => {
        const { name } = member.installation.settings;
        if (member.lanes || ready(name) !== member) return synced();
        if (tenancies) return synced(tenancies.want(name, "sync"));
        member.synced = synced;
        begin(member);
      }),
  });

  for (const settings of config.installations) enter(settings);

  return {
    tenancies,
    installations: installations as ReadonlyMap<string, Installation>,
    mappings: mappings as ReadonlyMap<string, MappingInUse>,

    /** Also in place of the one that has its name: webhooks are taken all the time, and its pauses end. */
    async add(settings: InstallationConfig, grants?: GrantAccess): Promise<void> {
      const before = members.get(settings.name);
      const { calledAt } = before ?? {};
      Object.assign(enter(settings, grants), calledAt !== undefined && { calledAt });
      await leave(settings.name, before);
      const member = ready(settings.name);
      if (!member) return;
      if (!tenancies || claims.has(settings.name)) begin(member);
      else tenancies.want(settings.name, "sync");
    },

    /** Its webhooks are refused from now on. Resolves when none of its work is under way. */
    async remove(name: string): Promise<void> {
      const before = members.get(name);
      for (const map of [members, installations, mappings]) map.delete(name);
      await leave(name, before);
    },

    /** A delivery of an installation was stored. */
    received(name: string): void {
      const member = ready(name);
      if (!member) return;
      const wasActive = isActive(member);
      member.calledAt = flow.now();
      wake(name, "decode");
      const own = member.lanes;
      if (!own || member.syncedAt === undefined) return;
      const staleAt = member.syncedAt + staleMs;
      if (staleAt <= flow.now()) own.wake("sync");
      // Its next sync was planned for an installation at rest.
      else if (!wasActive) setTimeout(() => own.wake("sync"), staleAt - flow.now()).unref();
    },

    /** Calls of an installation can be delivered now. */
    wake: (name: string): void => wake(name, "deliver"),
    /** Changes of contacts of an installation were stored. */
    contactsChanged: (name: string): void => wake(name, "contacts"),

    start(): void {
      isStarted = true;
      const inUse = new Set([...installations.values()].map(({ crm }) => crm));
      // A failure is reported by the first work that needs the library.
      for (const crm of inUse) kinds[crm]?.load?.().catch(() => {});
      letGoTimer = setInterval(letGo, letGoEveryMs);
    },

    /** Looks for work in the store from now on. */
    startSweep(): void {
      sweep = watch();
      sweep.start();
    },
    stopSweep,

    /** Resolves when no work is under way. */
    async stop(): Promise<void> {
      clearInterval(letGoTimer);
      await stopSweep();
      await lanes.stop();
      for (const member of new Set([...members.values(), ...open])) await member.close();
    },
  };
}
