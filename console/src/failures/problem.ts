import { useText } from "../text/index.ts";
import type { Group } from "./api.ts";

/** What is wrong with the calls of a group, in the reader's language. */
export function useProblem(): (group: Pick<Group, "problem" | "cure">) => string {
  const { t } = useText();
  return ({ problem, cure }) => t.failures.problems[problem](cure.place ?? t.failures.someField);
}
