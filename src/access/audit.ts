import { Rejected } from "../core/errors.ts";
import { maskPeople } from "../core/mask.ts";
import type { Principal } from "../core/principal.ts";
import type { Log } from "../core/runtime.ts";
import type { AuditEnd, AuditFilter, AuditLine, Store } from "../store/contract.ts";

/** What a request changed, in short and without data of callers. */
export type Change = {
  /** What it was done to, unless its path says so. */
  object?: string;
  installation?: string;
  before?: unknown;
  after?: unknown;
};

export type Audited = Pick<AuditLine, "action" | "address"> &
  Pick<Change, "object" | "installation"> & { by: Pick<Principal, "name" | "signedInBy"> };

type AuditParts = {
  store: Pick<Store, "addAuditLine" | "endAuditLine" | "auditLines">;
  now: () => number;
  log: Pick<Log, "error">;
};

/** The audit log: one line per change, stored before the change begins and completed when it has ended. */
export function createAudit({ store, now, log }: AuditParts) {
  return {
    /** Returns how to complete the line. Throws `Rejected(503)` when it cannot be stored: then nothing may be changed. */
    async begin({ by, ...line }: Audited): Promise<(status: number, change?: Change) => Promise<void>> {
      const whole = { ...line, at: now(), who: by.name, signedInBy: by.signedInBy };
      const id = await store.addAuditLine(whole).catch((cause: unknown) => {
        const why = "the audit log cannot be written just now, so nothing was changed: try again";
        throw new Rejected(503, why, { cause });
      });
      return (result, change) =>
        store.endAuditLine(id, endOf(result, change)).catch((err: unknown) => {
          log.error({ err, action: line.action, result }, "a line of the audit log has no result");
        });
    },
    list: (filter: AuditFilter): Promise<AuditLine[]> => store.auditLines(filter),
  };
}

function endOf(result: number, { object, installation, before, after }: Change = {}): AuditEnd {
  const hasDetail = before !== undefined || after !== undefined;
  return {
    result,
    ...(object !== undefined && { object }),
    ...(installation !== undefined && { installation }),
    ...(hasDetail && { detail: detailOf({ before, after }) }),
  };
}

const longestText = 200;
const longestDetail = 4_000;

/** Long texts are cut, and numbers and e-mail addresses masked. */
function detailOf(change: Pick<Change, "before" | "after">): string {
  const shortened = JSON.stringify(change, (_, value: unknown) =>
    typeof value === "string" ? maskPeople(value.slice(0, longestText)) : value,
  );
  return shortened.length <= longestDetail ? shortened : JSON.stringify({ cut: true });
}

/** The values that differ between two versions of settings, by their paths; secrets are named only. */
export function differenceOf(before: unknown, after: unknown): Required<Pick<Change, "before" | "after">> {
  const [was, is] = [leavesOf(before), leavesOf(after)];
  const paths = [...new Set([...was.keys(), ...is.keys()])].filter((path) => was.get(path) !== is.get(path));
  const shown = (leaves: ReadonlyMap<string, unknown>) =>
    Object.fromEntries(
      paths.flatMap((path) => (leaves.has(path) ? [[path, isSecret(path) ? "***" : leaves.get(path)]] : [])),
    );
  return { before: shown(was), after: shown(is) };
}

/** Everything below `providers` may be a secret. */
const isSecret = (path: string): boolean => /^providers\b|secret|token|key|password/i.test(path);

function leavesOf(value: unknown, path = ""): Map<string, unknown> {
  if (typeof value !== "object" || value === null) return new Map([[path, value]]);
  return new Map(
    Object.entries(value).flatMap(([name, inner]) => [
      ...leavesOf(inner, path === "" ? name : `${path}.${name}`),
    ]),
  );
}
