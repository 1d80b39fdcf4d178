const clocks = new Map<string, Intl.DateTimeFormat>();

/** A moment on the wall clock of a time zone; undefined when the moment or the zone is nonsense. */
export function localTime(iso: unknown, timeZone: string): { date: string; time: string } | undefined {
  const moment = typeof iso === "string" ? Date.parse(iso) : Number.NaN;
  const clock = Number.isNaN(moment) ? undefined : clockOf(timeZone);
  if (!clock) return undefined;
  const parts = Object.fromEntries(clock.formatToParts(moment).map(({ type, value }) => [type, value]));
  return { date: `${parts.year}-${parts.month}-${parts.day}`, time: `${parts.hour}:${parts.minute}` };
}

function clockOf(timeZone: string): Intl.DateTimeFormat | undefined {
  const known = clocks.get(timeZone);
  if (known) return known;
  try {
    const clock = new Intl.DateTimeFormat("en-US", {
      timeZone,
      calendar: "gregory",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
    });
    clocks.set(timeZone, clock);
    return clock;
  } catch {
    // Intl has no other way to ask whether a time zone exists.
    return undefined;
  }
}

/** `45 s`, `5 min 20 s`, `1 h 2 min`. */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const parts = hours
    ? [`${hours} h`, minutes && `${minutes} min`]
    : [minutes && `${minutes} min`, (whole % 60 || !minutes) && `${whole % 60} s`];
  return parts.filter(Boolean).join(" ");
}
