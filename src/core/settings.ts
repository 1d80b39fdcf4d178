import type { ContactKind } from "./contact.ts";
import type { AgentEntry } from "./directory.ts";

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
