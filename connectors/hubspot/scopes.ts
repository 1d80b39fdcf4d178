import type { ConnectContext } from "../../src/core/contracts.ts";
import { isGranted } from "../../src/core/oauth.ts";

/** Properties of calls and tasks go by this one, too (unverified). */
const schemaScope = "crm.schemas.contacts.write";

/** unverified: to read or to write the other side is enough to associate a call with it. */
const scopesOf = {
  company: ["crm.objects.companies.read", "crm.objects.companies.write"],
  deal: ["crm.objects.deals.read", "crm.objects.deals.write"],
  ticket: ["tickets", "crm.objects.tickets.read", "crm.objects.tickets.write"],
} as const;

/** What the account grants. Each method gives the scope that is missing, and undefined when nothing is in the way. */
export function scopesIn({ scopes = () => [] }: Pick<ConnectContext, "scopes">) {
  const lacking = (choice: readonly [string, ...string[]]): string | undefined =>
    choice.some((scope) => isGranted(scopes(), scope)) ? undefined : choice[0];
  return {
    toMakeProperties: () => lacking([schemaScope]),
    toAssociate: (type: keyof typeof scopesOf) => lacking(scopesOf[type]),
  };
}

/** Why something is not even asked for, in the words of a warning. */
export function notGranted(scope: string): string {
  return `the account does not grant ${scope}; connect it again to switch this on`;
}
