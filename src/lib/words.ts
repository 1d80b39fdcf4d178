import type { Outcome } from "../core/call.ts";

/** A status word in its normal form: `No_Answer`, `noAnswer` and `no answer` are `no-answer`. */
export function plainWord(text: string | undefined): string | undefined {
  const plain = text
    ?.trim()
    .replace(/([\p{Ll}\d])(\p{Lu})/gu, "$1-$2")
    .toLowerCase()
    .replace(/[\s_.-]+/g, "-")
    .replace(/^-|-$/g, "");
  return plain || undefined;
}

/** Words of many providers for how a call ended, without separators. Only unambiguous ones. */
const senses: readonly (readonly [Outcome, string])[] = [
  ["completed", "completed complete answeredelsewhere completedelsewhere pickedupelsewhere normalclearing"],
  ["no-answer", "noanswer unanswered notanswered missed missedcall nouserresponse ringtimeout"],
  ["busy", "busy userbusy linebusy"],
  ["rejected", "rejected reject callrejected declined decline refused userdeclined userrejected"],
  ["cancelled", "cancelled canceled cancel callcancelled callcanceled originatorcancel clienthangup"],
  ["abandoned", "abandoned abandon callerabandoned"],
  ["failed", "failed failure fail error unreachable notreachable congestion invalidnumber"],
  [
    "voicemail",
    "voicemail voicemailreached voicemaildetected leftvoicemail machine machinedetected answeringmachine answeringmachinedetected amdmachine machinestart machineendbeep machineendsilence machineendother",
  ],
];

const outcomes = new Map(
  senses.flatMap(([outcome, words]) => words.split(" ").map((word) => [word, outcome] as const)),
);

/** How a call ended by a provider's word, whatever its case and separators; undefined for an ambiguous word. */
export function outcomeOfWord(text: string | undefined): Outcome | undefined {
  return outcomes.get(plainWord(text)?.replaceAll("-", "") ?? "");
}
