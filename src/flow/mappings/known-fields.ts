import type { FieldDescriptions } from "../../core/crm.ts";
import type { Installation } from "../installation.ts";

const freshMs = 60_000;

/** `fields` is absent for a CRM that takes any field. */
type Known = { fields?: FieldDescriptions; at: number };

/** The fields of each account as its CRM described them at most a minute ago. */
export function createKnownFields(now: () => number) {
  const known = new Map<string, Known>();
  const underWay = new Map<string, Promise<Known>>();

  const ask = async ({ settings, connector }: Installation): Promise<Known> => {
    const fields = await connector.fields?.();
    const found = { ...(fields && { fields }), at: now() };
    known.set(settings.name, found);
    return found;
  };

  /** Requests that come while one is under way share it. */
  const askOnce = (installation: Installation): Promise<Known> => {
    const { name } = installation.settings;
    const asked = underWay.get(name) ?? ask(installation).finally(() => underWay.delete(name));
    underWay.set(name, asked);
    return asked;
  };

  const isFresh = (found: Known | undefined): found is Known =>
    found !== undefined && now() - found.at < freshMs;

  return {
    /** Throws `CrmError`. */
    async of(installation: Installation): Promise<FieldDescriptions | undefined> {
      const found = known.get(installation.settings.name);
      return (isFresh(found) ? found : await askOnce(installation)).fields;
    },
    /** What was described last, without waiting for the CRM; asks it again when that is more than a minute ago. */
    last(installation: Installation): FieldDescriptions | undefined {
      const found = known.get(installation.settings.name);
      if (found && !isFresh(found)) askOnce(installation).catch(() => {});
      return found?.fields;
    },
  };
}
