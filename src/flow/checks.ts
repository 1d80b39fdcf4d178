import { type Fault, messageOf } from "../core/errors.ts";
import { checkMapping } from "../mapping/check.ts";
import type { Installation } from "./installation.ts";

/** One check. It passed when it has no fault; `says`: what was found. `off`: not in use. */
export type Check = { check: string; says?: string; off?: true; faults: Fault[] };

/** Whether the CRM can be reached, has what Switchhook needs there, and takes what the mapping at `path` gives it. */
export async function checkCrm(installation: Installation, path: string): Promise<Check[]> {
  const { settings, connector, crm } = installation;
  const name = `${settings.name}: ${crm}`;
  const reached = await attempt(name, async () => {
    await connector.prepare?.();
    const owners = (await connector.owners?.())?.filter(({ left }) => !left);
    return owners ? `reachable, ${owners.length} owner${owners.length === 1 ? "" : "s"}` : "reachable";
  });
  if (reached.faults.length > 0) return [reached];
  const checks = [reached];
  const broken = await connector.faults?.();
  if (broken?.length) checks.push({ check: `${name} records`, faults: broken });
  const fields = await connector.fields?.();
  if (!fields) return [...checks, { check: `${name} fields`, says: "takes any field", faults: [] }];
  const faults = checkMapping(installation.mapping(), fields, path);
  return [...checks, { check: `${name} fields`, says: "all exist and take what the mapping gives", faults }];
}

export async function attempt(name: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { check: name, says: await work(), faults: [] };
  } catch (error) {
    return { check: name, faults: [{ at: name, problem: messageOf(error) }] };
  }
}
