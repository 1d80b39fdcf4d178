/** The company's own lines, as providers tell of them, and the calls that wait for one to be known. Numbers are E.164. */
export type LineStore = {
  lines(installation: string, provider: string): Promise<string[]>;
  /**
   * The newest calls that have this number at an end, while their messages do not say which end is the customer;
   * `before`: only rows with a smaller id. `openBefore`: there may be more, before that id.
   */
  callsBetween(
    installation: string,
    provider: string,
    number: string,
    before?: number,
  ): Promise<{ callIds: string[]; openBefore?: number }>;
  /** A line whose earlier calls have not all been folded again since it became known. */
  openLine(installation: string): Promise<OpenLine | undefined>;
};

/** A line that became known. `openBefore`: its calls before this id are still to be folded again; absent when all are. */
export type LearnedLine = { number: string; openBefore?: number };
/** How far the calls of a line have been folded again. */
export type LineProgress = LearnedLine & { provider: string };
type OpenLine = { provider: string; number: string; openBefore: number };
