import { limitedTexts } from "../mapping/limits.ts";
import type { Limited } from "../mapping/rendering.ts";
import type { Flow } from "./installation.ts";
import { logSeldom } from "./seldom.ts";

const againMs = 3_600_000;

/** Each such field of an installation is logged once in an hour: every call may run into it. */
export function logLimited(flow: Flow, installation: string, limited: readonly Limited[]): void {
  for (const one of limited) {
    const about = `${installation} ${one.field}`;
    const [why] = limitedTexts([one]);
    const facts = { installation, field: one.field, limit: one.limit, why };
    const sentence = "a text of the mapping ran into a limit; the field was left out, or got its else";
    logSeldom(flow, facts, sentence, { about, againMs, level: "warn" });
  }
}
