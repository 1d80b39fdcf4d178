import { useText } from "./text/index.ts";

/** How times, numbers and durations are written in the language of the page. Times are in the zone of the installation. */
export type Format = {
  /** A day and a time. `zone`: IANA; the browser's own when it is absent. */
  time(iso: string, zone?: string): string;
  /** With seconds, for what follows each other closely. */
  exactTime(iso: string, zone?: string): string;
  /** How long ago, in words. */
  ago(iso: string): string;
  /** `95` is 1 min 35 s. */
  seconds(seconds: number): string;
  number(value: number): string;
};

const day = { day: "numeric", month: "short" } as const;
const clock = { hour: "2-digit", minute: "2-digit" } as const;
const steps = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

export function useFormat(): Format {
  const { language } = useText();
  const written = (iso: string, zone: string | undefined, options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(language, { ...options, ...(zone !== undefined && { timeZone: zone }) }).format(
      new Date(iso),
    );
  const year = (iso: string) =>
    new Date(iso).getFullYear() === new Date().getFullYear() ? {} : ({ year: "numeric" } as const);
  const unit = (value: number, name: "hour" | "minute" | "second") =>
    new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "short" }).format(value);
  return {
    time: (iso, zone) => written(iso, zone, { ...day, ...clock, ...year(iso) }),
    exactTime: (iso, zone) => written(iso, zone, { ...day, ...clock, second: "2-digit", ...year(iso) }),
    ago(iso) {
      const seconds = (Date.parse(iso) - Date.now()) / 1000;
      const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
      for (const [name, size] of steps)
        if (Math.abs(seconds) >= size) return relative.format(Math.round(seconds / size), name);
      return relative.format(Math.round(seconds), "second");
    },
    seconds(seconds) {
      const whole = Math.round(seconds);
      const parts = [
        [Math.floor(whole / 3600), "hour"],
        [Math.floor((whole % 3600) / 60), "minute"],
        [whole % 60, "second"],
      ] as const;
      const shown = parts.filter(([value]) => value > 0);
      return shown.length === 0
        ? unit(0, "second")
        : shown.map(([value, name]) => unit(value, name)).join(" ");
    },
    number: (value) => new Intl.NumberFormat(language).format(value),
  };
}
