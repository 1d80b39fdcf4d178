/**
 * The work of one lane. Resolves with when it wants to run again (milliseconds since 1970), or undefined: when woken.
 * It is never run twice at the same time. When it throws it is run again after a growing pause.
 */
export type Job = (signal: AbortSignal) => Promise<number | undefined>;

export type Lanes = {
  /**
   * `restMs`: the lane rests this long between two runs, so that what comes in meanwhile is one piece of work. A lane that
   * is at rest for longer runs as soon as it is woken.
   */
  add(name: string, job: Job, options?: { restMs?: number }): void;
  /** There may be something to do. Cheap; may be called for every delivery. */
  wake(name: string): void;
  /** No new run of this lane; resolves when the running one is through. `abort`: its signal says so. */
  remove(name: string, options?: { abort?: boolean }): Promise<void>;
  /** No new run; resolves when the running ones are through. */
  stop(): Promise<void>;
};
