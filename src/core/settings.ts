import type { ContactKind } from "./contact.ts";
import type { AgentEntry } from "./directory.ts";

export const unknownCallerPolicies = ["never", "answered", "always"] as const;

/**
 * The settings of one installation that do not depend on its CRM or providers.
 * `region`: ISO country for national numbers. `unknownCallers`: whether a caller nobody knows becomes a contact.
 * `settleSeconds`: how long an ended call waits for its late facts. `companyNumbers`: never looked up.
 * `defaultOwner`: id or e-mail of the CRM user who owns what nobody else does.
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
};
