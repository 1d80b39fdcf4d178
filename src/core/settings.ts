import type { Agent } from "./call.ts";
import type { ContactKind, Owner } from "./contact.ts";
import { identityOf } from "./phone.ts";

export const unknownCallerPolicies = ["never", "answered", "always"] as const;

/** `link`: played from the provider through us. `archive`: we store a copy. `none`: recordings must not be used. */
export const recordingPolicies = ["link", "archive", "none"] as const;
export type RecordingPolicy = (typeof recordingPolicies)[number];

/** The settings of one installation that do not depend on its CRM or providers. */
export type InstallationSettings = {
  name: string;
  /** The ISO country of numbers without a country code. */
  region: string;
  /** IANA. */
  timeZone: string;
  agents: AgentEntry[];
  /** Whether an unknown caller becomes a contact. */
  unknownCallers: (typeof unknownCallerPolicies)[number];
  logInternalCalls: boolean;
  /** The kinds of contact, the preferred one first. */
  contactOrder: ContactKind[];
  /** How long an ended call waits for late facts. */
  settleSeconds: number;
  answerDeadlineMs: number;
  /** The id or e-mail address of the CRM user who owns activities without another owner. */
  defaultOwner?: string;
  /** Identities of numbers that are never looked up. */
  companyNumbers: string[];
  /** How long after a missed call its follow-up is due. */
  followUpDueMinutes: number;
  /** Whether providers are polled for what their webhooks left out. */
  reconcile: boolean;
  recording: RecordingPolicy;
  /** Lines (E.164) with a recording policy of their own. */
  recordingLines: Record<string, RecordingPolicy>;
  /** How long the archive keeps a copy. */
  recordingDays: number;
  /** How long after the call its link plays; without end when absent. */
  recordingLinkDays?: number;
};

/** One of the company's people: their CRM e-mail and what each provider calls them (`exotel: ["agent_001"]`, `retell: "agent_x"`). */
export type AgentEntry = { email: string; name?: string; phones?: string[] } & {
  [provider: string]: string | string[] | undefined;
};

/** The directory entry of an agent in a call: by the provider's identifiers, then by phone number, then by e-mail. */
export function findAgent(
  directory: readonly AgentEntry[],
  provider: string,
  agent: Agent,
  region: string,
): AgentEntry | undefined {
  const ids = new Set(agent.ids);
  return (
    directory.find((entry) => idsAt(entry, provider).some((id) => ids.has(id))) ??
    byPhone(directory, agent, region) ??
    directory.find(({ email }) => agent.email !== undefined && sameEmail(email, agent.email))
  );
}

/** Reading a number is the most expensive step here, so none is read when the directory has no phones. */
function byPhone(directory: readonly AgentEntry[], agent: Agent, region: string): AgentEntry | undefined {
  if (!directory.some(({ phones }) => phones !== undefined && phones.length > 0)) return undefined;
  const numbers = new Set(agent.ids.flatMap((id) => identityOf(id, region) ?? []));
  if (numbers.size === 0) return undefined;
  return directory.find(({ phones = [] }) =>
    phones.some((phone) => numbers.has(identityOf(phone, region) ?? "")),
  );
}

/** The AI agent that answers for an owner at a provider. */
export function agentIdOf(
  directory: readonly AgentEntry[],
  provider: string,
  owner: Owner,
): string | undefined {
  const entry = directory.find(({ email }) => owner.email !== undefined && sameEmail(email, owner.email));
  return entry && idsAt(entry, provider)[0];
}

export function sameEmail(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}

/** What a provider calls one of the company's people. */
export function idsAt(entry: AgentEntry, provider: string): string[] {
  const ids = Object.hasOwn(entry, provider) ? entry[provider] : undefined;
  return ids === undefined ? [] : typeof ids === "string" ? [ids] : ids;
}
