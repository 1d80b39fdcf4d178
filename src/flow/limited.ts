import { type Limited, limitedTexts } from "../mapping/rendering.ts";
import type { Flow } from "./installation.ts";

/** Logs the fields that ran into a limit. Every call may run into it, so each field is logged seldom. */
export function logLimited({ limitedLog }: Flow, installation: string, limited: readonly Limited[]): void {
  for (const one of limited) {
    const [why] = limitedTexts([one]);
    limitedLog.seldom(
      "warn",
      { installation, field: one.field, limit: one.limit, why },
      `the mapping's text for ${one.field} ran into a limit; the field was left out, or got its else`,
    );
  }
}
