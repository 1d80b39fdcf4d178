import type { Scalar } from "../../core/call.ts";
import type { Answer, Provider, Question } from "../../core/provider.ts";
import { parsedOnce } from "../../lib/body.ts";
import { polling } from "./polling.ts";
import { openRecording } from "./recording.ts";
import { type RetellSettings, settings } from "./settings.ts";
import { verifySignature } from "./signature.ts";
import { simulate } from "./simulate.ts";
import { decode, parse, read } from "./wire.ts";

export const retell: Provider<RetellSettings> = {
  id: "retell",
  label: "Retell AI",
  settings,
  methods: ["POST"],
  keepHeaders: [],
  // Transcripts with the time of each word grow with the call; the largest size is not documented.
  bodyBytes: 5_242_880,
  verify: ({ headers }, { apiKey }, { now }) => verifySignature(headers, apiKey, now),
  ...parsedOnce(parse, { read, decode }),
  reply,
  polling,
  recording: openRecording,
  simulate,
};

/** Retell refuses metadata beyond 50 kB, taken as 50,000 bytes of JSON. */
const metadataBytes = 50_000;

/** The response that tells Retell which agent takes the call, and what is known about the caller. */
function reply(question: Question, answer: Answer): unknown {
  const variables = textsOf(answer.variables);
  const metadata = fitting(answer.metadata);
  return {
    [question.kind === "chat" ? "chat_inbound" : "call_inbound"]: {
      ...(answer.agentId && { override_agent_id: answer.agentId }),
      ...(variables && { dynamic_variables: variables }),
      ...(metadata && { metadata }),
      ...(answer.reject === true && { reject: true }),
    },
  };
}

/** Retell's SDK types allow text only (retell-sdk 5.66.1). */
function textsOf(variables: Readonly<Record<string, unknown>>): Record<string, string> | undefined {
  const texts = Object.entries(variables).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return texts.length > 0 ? Object.fromEntries(texts) : undefined;
}

function fitting(metadata: Readonly<Record<string, Scalar>>): Record<string, Scalar> | undefined {
  let bytes = 1;
  const chosen = Object.entries(metadata).filter(([name, value]) => {
    const size = Buffer.byteLength(JSON.stringify({ [name]: value })) - 1;
    if (bytes + size > metadataBytes) return false;
    bytes += size;
    return true;
  });
  return chosen.length > 0 ? Object.fromEntries(chosen) : undefined;
}
