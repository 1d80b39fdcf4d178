import type { ContactKind } from "./contact.ts";
import type { AgentEntry } from "./directory.ts";

export const unknownCallerPolicies = ["never", "answered", "always"] as const;

/** `link`: played from the provider through us. `archive`: we keep a copy. `none`: the company may not have it. */
export const recordingPolicies = ["link", "archive", "none"] as const;
export type RecordingPolicy = (typeof recordingPolicies)[number];

/**
 * The settings of one installation that do not depend on its CRM or providers.
 * `region`: ISO country for national numbers. `unknownCallers`: whether a caller nobody knows becomes a contact.
 * `settleSeconds`: how long an ended call waits for its late facts. `companyNumbers`: never looked up.
 * `defaultOwner`: id or e-mail of the CRM user who owns what nobody else does.
 * `followUpDueMinutes`: how long after a missed call its follow-up is due.
 * `reconcile`: ask providers for what their webhooks did not tell. `recordingLines`: lines of the company (E.164) with another policy. `recordingDays`: how long the archive keeps a
 * copy. `recordingLinkDays`: how long after the call its link plays; for ever when absent.
 */
export type InstallationSettings = {
  name: string;
  region: string;
  timeZone: string;
  agents: AgentEntry[];
  unknownCallers: (typeof unknownCallerPolicies)[number];
  logInternalCalls: boolean;
  contactOrder: ContactKind[];
  settleSeconds: number;
  answerDeadlineMs: number;
  defaultOwner?: string;
  companyNumbers: string[];
  followUpDueMinutes: number;
  reconcile: boolean;
  recording: RecordingPolicy;
  recordingLines: Record<string, RecordingPolicy>;
  recordingDays: number;
  recordingLinkDays?: number;
};
