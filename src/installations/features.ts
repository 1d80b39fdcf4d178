import { isGranted } from "../core/crm-app.ts";
import type { InstallableCrm } from "./installer.ts";

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
