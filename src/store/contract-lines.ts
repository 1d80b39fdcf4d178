/** The company's own lines, as providers tell of them, and the calls that wait for one to be known. Numbers are E.164. */
export type LineStore = {
  lines(installation: string, provider: string): Promise<string[]>;
  /** The ids of calls that have one of these numbers at an end, while their messages do not say which end is the customer. */
  callsBetween(installation: string, provider: string, numbers: readonly string[]): Promise<string[]>;
};
