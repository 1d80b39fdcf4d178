import { messageOf, StoreError, type StoreFault } from "../core/errors.ts";
import { faultOf } from "./disk-faults.ts";
import { openReader } from "./reading.ts";
import { faultsOf, integrityCheck } from "./repair.ts";

const cures: Readonly<Record<StoreFault, string>> = {
  damaged:
    "stop the server, copy the data folder, run `switchhook repair`, and `switchhook restore <backup>` if that cannot help (docs/operations.md)",
  full: "make room: check the disk of the data folder",
  locked: "check the disk of the data folder, and make it writable for this user",
  broken: "check the disk of the data folder",
  refused: "report this as a bug",
  other: "check the disk of the data folder",
};

/** Of errors that are our own, by their code. */
const ownCures: Readonly<Record<string, string>> = {
  NEWER: "install that version",
  GONE: "put the database back, or `switchhook restore <backup>`; to begin with an empty one, `switchhook restore --empty` (docs/operations.md)",
};

export type Health = ReturnType<typeof healthOf>;

/** Names what goes wrong in a store, and remembers that it is damaged: no later success takes that back. */
export function healthOf(file: string) {
  let damage: StoreError | undefined;

  const named = (error: unknown): StoreError => {
    if (error instanceof StoreError) return error;
    const fault = faultOf(error);
    const message = fault === "damaged" ? `${file} is damaged (${messageOf(error)})` : messageOf(error);
    const own = error instanceof Error && "code" in error ? ownCures[String(error.code)] : undefined;
    const found = new StoreError(fault, message, { cause: error, cure: own ?? cures[fault] });
    if (fault === "damaged") damage ??= found;
    return found;
  };

  return {
    named,
    /** Throws when damage was found. */
    check(): void {
      if (damage) throw damage;
    },
    async damage(): Promise<string[]> {
      const reader = openReader(file);
      try {
        const faults = faultsOf(await reader.all(integrityCheck));
        const message = `${file} is damaged (${faults.join("; ")})`;
        if (faults.length > 0) damage ??= new StoreError("damaged", message, { cure: cures.damaged });
        return faults;
      } catch (error) {
        const found = named(error);
        if (found.fault !== "damaged") throw found;
        return [found.message];
      } finally {
        await reader.close();
      }
    },
  };
}

/** Every error of the store's methods is named. `append` is the hot one, and names its own. */
export function withNamedErrors<S extends object>(store: S, { named }: Health): S {
  const entries = Object.entries(store).map(([name, method]) => {
    if (name === "append") return [name, method];
    const call = method as (...args: unknown[]) => unknown;
    return [
      name,
      async (...args: unknown[]) => {
        try {
          return await call(...args);
        } catch (error) {
          throw named(error);
        }
      },
    ];
  });
  return Object.fromEntries(entries) as S;
}
