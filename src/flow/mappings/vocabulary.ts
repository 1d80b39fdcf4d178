import { liquidWords } from "../../mapping/liquid.ts";
import { openPaths, paths } from "../../mapping/paths.ts";
import type { PathType } from "../../mapping/view.ts";

type KnownPath = { path: string; type: PathType; about: string; values?: readonly string[] };

/** The words of the mapping language. */
export type Vocabulary = {
  paths: KnownPath[];
  /** Any name may follow these. */
  open: { path: string; about: string; example: string }[];
  filters: string[];
  tags: string[];
};

export function vocabulary(): Vocabulary {
  return {
    paths: Object.entries(paths).map(([path, { type, about, values }]) => ({
      path,
      type,
      about,
      ...(values && { values }),
    })),
    open: Object.entries(openPaths).map(([path, { about, example }]) => ({ path, about, example })),
    ...liquidWords(),
  };
}
