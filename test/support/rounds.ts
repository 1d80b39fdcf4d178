import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    rounds: "short" | "whole";
  }
}

/** Whether this is `npm run test:long`. */
const isLong = inject("rounds") === "whole";

/** How often an endurance test repeats what it does: the whole in `npm run test:long`, fewer rounds in `npm test`. */
export function rounds({ whole, short }: { whole: number; short: number }): number {
  return isLong ? whole : short;
}
