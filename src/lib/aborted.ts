/**
 * The work, or the reason of the first of these signals that aborts, as soon as it does. The work itself goes on, but
 * is no longer waited for.
 */
export function unlessAborted<T>(
  work: Promise<T>,
  ...signals: readonly (AbortSignal | undefined)[]
): Promise<T> {
  return new Promise((resolve, reject) => {
    const present = signals.filter((signal) => signal !== undefined);
    const stop = (): void => reject(present.find(({ aborted }) => aborted)?.reason);
    for (const signal of present) signal.addEventListener("abort", stop, { once: true });
    if (present.some(({ aborted }) => aborted)) stop();
    work.then(resolve, reject).finally(() => {
      for (const signal of present) signal.removeEventListener("abort", stop);
    });
  });
}
