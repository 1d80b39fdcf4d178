import type { ConnectorKind } from "../core/contracts.ts";
import type { Fault } from "../core/errors.ts";
import { didYouMean } from "../mapping/nearest.ts";
import { check } from "./faults.ts";
import { placeWithin } from "./secrets.ts";

type OAuthKinds = Readonly<Record<string, Partial<Pick<ConnectorKind, "oauth">>>>;

/** Our apps by CRM, as the schemas of their CRMs gave them. Tokens are sealed with a key, so there must be one. */
export function readApps(
  apps: Readonly<Record<string, unknown>>,
  at: string,
  { kinds, sealingKeys, faults }: { kinds: OAuthKinds; sealingKeys: readonly string[]; faults: Fault[] },
): Record<string, unknown> {
  const names = Object.keys(kinds).filter((name) => kinds[name]?.oauth);
  const read = Object.entries(apps).map(([name, value]): [string, unknown] => {
    const oauth = Object.hasOwn(kinds, name) ? kinds[name]?.oauth : undefined;
    if (oauth) return [name, check(oauth.app, value, placeWithin(at, name), faults)];
    const problem = `there is no CRM ${JSON.stringify(name.slice(0, 60))} that is installed by OAuth.`;
    const cure = didYouMean(name, names) ?? `Use one of: ${names.join(", ")}.`;
    faults.push({ at: placeWithin(at, name), problem, cure });
    return [name, undefined];
  });
  if (read.length > 0 && sealingKeys.length === 0) {
    faults.push({
      at: "environment: SWITCHHOOK_KEY",
      problem: "is not set: the tokens of installed accounts are sealed with it.",
      cure: "Set a random one and keep it safe: openssl rand -base64 32.",
    });
  }
  return Object.fromEntries(read);
}
