import type { EmulatorRequest, Fault, FaultScope, Route, SharedFault } from "./contract.ts";

/** The faults that are switched on, asked once for each request. */
export type FaultBox = {
  add(fault: Fault): () => void;
  clear(): void;
  strike(request: EmulatorRequest, route: Route | undefined): Fault[];
};

/** All `slow` faults that match strike, and the first of the others. */
export function createFaults(): FaultBox {
  let faults: Fault[] = [];
  return {
    add(fault) {
      const active = { ...fault };
      faults.push(active);
      return () => {
        faults = faults.filter((other) => other !== active);
      };
    },
    clear() {
      faults = [];
    },
    strike(request, route) {
      const struck: Fault[] = [];
      for (const fault of faults) {
        if (!concerns(fault.match, request, route)) continue;
        if (fault.type !== "slow" && struck.some((other) => other.type !== "slow")) continue;
        if (takesEffect(fault)) struck.push(fault);
      }
      faults = faults.filter((fault) => fault.times !== 0);
      return struck;
    },
  };
}

function takesEffect(fault: FaultScope): boolean {
  if (fault.after) {
    fault.after -= 1;
    return false;
  }
  if (fault.times === undefined) return true;
  if (fault.times <= 0) return false;
  fault.times -= 1;
  return true;
}

function concerns(match: FaultScope["match"], request: EmulatorRequest, route: Route | undefined): boolean {
  if (match === undefined) return true;
  if (match instanceof RegExp) return match.test(request.path);
  return match.startsWith("/") ? request.path.includes(match) : route?.kind === match;
}

const sharedTypes: ReadonlySet<string> = new Set<SharedFault["type"]>([
  "status",
  "hang",
  "drop",
  "reset",
  "slow",
]);

export function isShared(fault: Fault): fault is FaultScope & SharedFault {
  return sharedTypes.has(fault.type);
}
