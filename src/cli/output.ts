import { ConfigError, CrmError, messageOf, StoreError } from "../core/errors.ts";

/** Options of every command. */
export type GlobalOptions = { config?: string; data?: string; json?: boolean };

/** A mistake or state that the user can fix, as one sentence. The command prints it and exits with 1. */
export class Failure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Failure";
  }
}

export function print(line = ""): void {
  process.stdout.write(`${line}\n`);
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

/** Rows in aligned columns, without control characters, which callers may send. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const clean = rows.map((row) => row.map(printable));
  const widths = (clean[0] ?? []).map((_, i) => Math.max(...clean.map((row) => row[i]?.length ?? 0)));
  return clean.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** Text without control characters. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]+/gu, " ");
}

/** A progress line that is overwritten; silent when the output is no terminal. `done` removes it. */
export function progressLine(): { show(text: string): void; done(): void } {
  const { stderr } = process;
  let shownAt = 0;
  return {
    show(text) {
      if (!stderr.isTTY || performance.now() - shownAt < 80) return;
      shownAt = performance.now();
      stderr.write(`\r\u001b[K${text.slice(0, (stderr.columns ?? 80) - 1)}`);
    },
    done() {
      if (stderr.isTTY && shownAt > 0) stderr.write("\r\u001b[K");
    },
  };
}

/** `1 call`, `2 calls`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** How to type a Switchhook command here: in a checkout or with the installed package. */
export function commandLine(command: string): string {
  return import.meta.url.endsWith(".ts") ? `npm run switchhook -- ${command}` : `npx switchhook ${command}`;
}

/** Prints what went wrong, without a stack for a user's mistake, and exits with 1. */
export function sayAndExit(error: unknown, { json }: GlobalOptions): never {
  process.stderr.write(json ? `${JSON.stringify(errorFacts(error))}\n` : `${errorText(error)}\n`);
  process.exit(1);
}

function errorFacts(error: unknown): object {
  return { error: messageOf(error), ...(error instanceof ConfigError && { faults: error.faults }) };
}

/** All faults of a configuration, one per line; any other error in one sentence. */
function errorText(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof StoreError && error.fault !== "refused")
    return `The store cannot be used: ${error.message}. To recover, ${error.cure}.`;
  const expected = error instanceof Failure || error instanceof CrmError;
  return expected ? error.message : `Unexpected: ${error instanceof Error ? error.stack : String(error)}`;
}
