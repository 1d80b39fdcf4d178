import { Argument, Command, InvalidArgumentError, Option } from "commander";
import { backUpStore, repairStore, restoreStore } from "./cli/backup.ts";
import { check } from "./cli/check.ts";
import { erase } from "./cli/erase.ts";
import { explain } from "./cli/explain.ts";
import { exportInstallation } from "./cli/export.ts";
import { rotateKeys } from "./cli/keys.ts";
import { move } from "./cli/move.ts";
import { type GlobalOptions, sayAndExit } from "./cli/output.ts";
import { packageProject } from "./cli/package.ts";
import { dead, replay } from "./cli/replay.ts";
import { runServer } from "./cli/serve.ts";
import { simulate } from "./cli/simulate.ts";
import { directions, simulatedOutcomes } from "./cli/simulated-calls.ts";
import { reconcile, sync } from "./cli/sync.ts";
import { readManifest } from "./manifest.ts";
import { marketplaces } from "./marketplace/index.ts";

const { identity } = readManifest();
const program = new Command("switchhook")
  .description(identity.description)
  .version(identity.version)
  .option("--config <file>", "config file (default: SWITCHHOOK_CONFIG, or switchhook.json if there is one)")
  .option("--data <folder>", "data folder (default: SWITCHHOOK_DATA, or ./data)")
  .option("--json", "machine-readable output")
  .showHelpAfterError("(--help shows how to use it)");

program
  .command("serve")
  .description("run the server")
  .action((_, command: Command) => runServer(command.optsWithGlobals<GlobalOptions>()));

program
  .command("check")
  .description("check the configuration, the mapping, the CRM and the data folder before going live")
  .action(run((options: GlobalOptions) => check(options)));

program
  .command("simulate")
  .description("send simulated calls of a provider to a running server, signed as the provider signs")
  .argument("<provider>", "exotel, retell, bird or voys")
  .option("--url <url>", "where the server is (default: the host and port of the configuration)")
  .option("--installation <name>", "whose calls", "demo")
  .option("--calls <n>", "how many", wholeNumber, 1)
  .option("--rate <n>", "calls begun per second", positiveNumber, 20)
  .option("--duplicate", "send everything twice")
  .option("--shuffle", "send a call's events in any order")
  .option("--late", "hold back the ends of calls, and what follows them, until everything else is sent")
  .option("--late-seconds <n>", "how much later", positiveNumber, 3)
  .addOption(new Option("--direction <direction>", "default: both").choices(directions))
  .addOption(new Option("--outcome <outcome>", "default: all").choices(simulatedOutcomes))
  .option("--customer <number>", "the outside party; may be repeated", (one, all: string[] = []) => [
    ...all,
    one,
  ])
  .option("--agent <id>", "who takes the calls, in the provider's terms")
  .option("--seed <text>", "the same seed makes the same calls")
  .option(
    "--speed <n>",
    "let a call take its time, this many times as fast; without it, all at once",
    positiveNumber,
  )
  .action(run(simulate));

program
  .command("explain")
  .description("why a call looks the way it does in the CRM; without a call, the latest ones")
  .argument("[call]", "its key, or a part of the provider's id")
  .option("--limit <n>", "how many calls to list", wholeNumber, 20)
  .action(run(explain));

program
  .command("dead")
  .description("calls that failed and need attention")
  .option("--retry [call]", "log them again, or one of them")
  .option("--installation <name>", "only of this one")
  .action(run(dead));

program
  .command("replay")
  .description(
    "decode and save calls once more, with the decoders and mappings of today; the same activities are updated",
  )
  .option("--since <time>", "30m, 2h, 3d, 1w, or an ISO date or time")
  .option("--call <call>", "one call: its key, or a part of the provider's id")
  .option("--installation <name>", "only of this one")
  .option("--provider <provider>", "only of this one")
  .option("--dry-run", "show what would change, and change nothing")
  .option("--limit <n>", "how many calls to show", wholeNumber, 20)
  .action(run(replay));

program
  .command("sync")
  .description("bring the contact index up to date with the CRM now")
  .option("--installation <name>", "only of this one")
  .action(run(sync));

program
  .command("reconcile")
  .description("poll the providers for calls and recordings missing from webhooks, now")
  .option("--since <time>", "30m, 2h, 3d, 1w, or an ISO date or time (default: since the last time)")
  .option("--installation <name>", "only of this one")
  .option("--provider <provider>", "only this one")
  .action(run(reconcile));

program
  .command("package")
  .description("write the developer project of a CRM's marketplace from manifest.json")
  .addArgument(new Argument("<crm>", "whose marketplace").choices(marketplaces))
  .option("--out <folder>", "target folder (default: marketplace/<crm>)")
  .option("--url <url>", "where the CRM and its users reach the server (default: publicUrl, if it is https)")
  .option("--check", "write nothing; exit code 1 when a file differs from the manifest")
  .action(run(packageProject));

program
  .command("move")
  .description("move all that is stored to PostgreSQL, or from DATABASE_URL to a data folder; can be resumed")
  .requiredOption("--to <place>", "postgres://..., or a folder when DATABASE_URL is set")
  .action(run(move));

program
  .command("export")
  .description(
    "write everything stored of an installation, except its secrets, into a file: one JSON object per line",
  )
  .argument("<installation>", "an active one, or a removed one that is not erased yet")
  .requiredOption("--file <file>", "a new file")
  .action(run(exportInstallation));

program
  .command("erase")
  .description("erase a removed installation before the end of its grace period")
  .argument("<installation>", "one that was disconnected")
  .option("--yes", "confirm; this cannot be undone")
  .action(run(erase));

program
  .command("backup")
  .description("copy the store, and the files of local CRMs, into one file; the server may be running")
  .argument("<file>", "a new file")
  .action(run(backUpStore));

program
  .command("restore")
  .description("replace the store with a backup, after checking the backup")
  .argument("[file]", "the backup")
  .option("--empty", "begin with an empty store instead")
  .action(run(restoreStore));

program
  .command("repair")
  .description("check every page of the store, and rebuild damaged indexes")
  .action(run(repairStore));

program
  .command("keys")
  .description("the key that the tokens of installed accounts are sealed with")
  .command("rotate")
  .description("seal everything with the first key of SWITCHHOOK_KEY; older keys follow after commas")
  .action(run(rotateKeys));

process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
await program.parseAsync();

/** An action of a command: its arguments, then all options. False means that there are faults. */
function run<A extends unknown[], O extends GlobalOptions>(action: (...args: [...A, O]) => Promise<unknown>) {
  return async (...args: [...A, O, Command]): Promise<void> => {
    const command = args.at(-1) as Command;
    const options = command.optsWithGlobals<O>();
    try {
      const ok = await action(...([...args.slice(0, -2), options] as [...A, O]));
      // Only once all output is written.
      process.stdout.write("", () => process.exit(ok === false ? 1 : 0));
    } catch (error) {
      sayAndExit(error, options);
    }
  };
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 10_000_000) return number;
  throw new InvalidArgumentError("It has to be a whole number, 1 or more.");
}

function positiveNumber(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new InvalidArgumentError("It has to be a number above 0.");
}
