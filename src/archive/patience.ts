/** A signal that aborts when nothing was heard for so long, or with another one. */
export type Patience = { signal: AbortSignal; heard(): void; isOver(): boolean; end(): void };

export function patience(ms: number, outer: AbortSignal | undefined): Patience {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined = setTimeout(() => late.abort(), ms);
  return {
    signal: outer ? AbortSignal.any([outer, late.signal]) : late.signal,
    heard: () => void timer?.refresh(),
    isOver: () => late.signal.aborted,
    end: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
