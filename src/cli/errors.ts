import { ConfigError, CrmError, messageOf } from "../core/errors.ts";
import { Failure, type GlobalOptions } from "./output.ts";

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
  const expected = error instanceof Failure || error instanceof CrmError;
  return expected ? error.message : `Unexpected: ${error instanceof Error ? error.stack : String(error)}`;
}
