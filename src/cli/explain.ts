import { explainCall, explainText } from "../flow/explain/explain.ts";
import { callLines, findCall, latestCalls } from "./find-call.ts";
import { commandLine, Failure, type GlobalOptions, print, printJson } from "./output.ts";
import { withStore } from "./with-parts.ts";

export type ExplainOptions = GlobalOptions & { limit: number };

/** Why a call looks the way it does in the CRM; the latest calls when none is named. */
export async function explain(text: string | undefined, options: ExplainOptions): Promise<void> {
  await withStore(options, async (store) => {
    if (text === undefined) {
      const rows = await latestCalls(store, options.limit);
      if (options.json)
        return printJson({ calls: rows.map(({ call, state, reason }) => ({ ...call, state, reason })) });
      for (const line of callLines(rows)) print(line);
      return print(rows.length > 0 ? `\nExplain one: ${commandLine("explain <call>")}` : "No calls yet.");
    }
    const key = await findCall(store, text);
    const explanation = await explainCall(store, key);
    if (!explanation) throw new Failure(`The call ${key} has just been removed.`);
    if (options.json) printJson(explanation);
    else print(explainText(explanation));
  });
}
