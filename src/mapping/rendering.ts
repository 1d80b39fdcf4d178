import type { Scalar } from "../core/call.ts";
import { createBudget, type Limit, type RenderBudget } from "./budget.ts";
import type { Path } from "./path.ts";
import { readPath } from "./read.ts";
import type { View } from "./view.ts";

/** A text that was not rendered to its end: its field gets its `else`, or is left out. `field`: e.g. `activity.subject`. */
export type Limited = { field: string; limit: Limit };

/**
 * The rendering of one record, from its first field to its last: what its texts may still spend, and those that ran into
 * a limit. `fact`: what a path says; each is read once.
 */
export type Rendering = {
  budget: RenderBudget;
  limited: Limited[];
  view: View;
  fact(name: string, path: Path): Scalar | undefined;
};

export function startRendering(view: View, budget = createBudget()): Rendering {
  const facts = new Map<string, Scalar | undefined>();
  return {
    view,
    budget,
    limited: [],
    fact(name, path) {
      if (!facts.has(name)) facts.set(name, readPath(path, view));
      return facts.get(name);
    },
  };
}
