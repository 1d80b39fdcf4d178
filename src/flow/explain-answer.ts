import type { Answer } from "../core/contracts.ts";
import type { CallRow, Store, StoredAnswer } from "../store/contract.ts";
import type { AnswerGiven } from "./explanation.ts";

/** A question comes before its call starts; a little after, when the provider's clock is behind ours. */
const beforeMs = 120_000;
const afterMs = 10_000;

/** The answer by the call's own legs, else the last one about its number shortly before it started. */
export async function answerGiven(store: Store, row: CallRow): Promise<AnswerGiven | undefined> {
  const { installation, provider, legs, direction } = row.call;
  for (const leg of legs) {
    const answer = await store.answer(installation, provider, leg);
    if (answer) return toAnswerGiven(answer, "call id");
  }
  if (row.number === undefined || direction !== "inbound") return undefined;
  const startedAt = row.call.startedAt === undefined ? row.createdAt : Date.parse(row.call.startedAt);
  const near = await store.answersNear(installation, row.number, startedAt - beforeMs, startedAt + afterMs);
  const last = near.at(-1);
  return last && toAnswerGiven(last, "number and time");
}

function toAnswerGiven({ at, reply, why }: StoredAnswer, foundBy: AnswerGiven["foundBy"]): AnswerGiven {
  const { agentId, reject, variables } = reply as Answer;
  const { chosenBy, source, reason, limited } = why;
  return {
    at: new Date(at).toISOString(),
    foundBy,
    ...(agentId && { agentId }),
    ...(reject && { reject }),
    why: String(chosenBy ?? "unknown"),
    lookup: [source, reason].filter((part) => typeof part === "string").join(": "),
    variables: { ...variables },
    ...(Array.isArray(limited) && { limited: limited.map(String) }),
  };
}
