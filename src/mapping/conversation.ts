import type { View } from "./view.ts";

/** Longer ones hide the rest of the timeline; the whole text is behind the link. */
const shortTranscript = 1_500;

/** The customer's mood; undefined where the provider says that it does not know. */
export function moodOf({ call: { sentiment } }: View): string | undefined {
  if (typeof sentiment !== "string" || /^(unknown|none|n\/?a|undefined|null)$/i.test(sentiment.trim()))
    return undefined;
  return sentiment;
}

/** The beginning of the transcript, to the end of a line or word. `User:`, a platform's word, is the customer. */
export function transcriptStart({ call: { transcript } }: View): string | undefined {
  if (typeof transcript !== "string") return undefined;
  const text = transcript
    .slice(0, shortTranscript * 4)
    .replace(/^User:/gm, "Customer:")
    .trim();
  if (text.length <= shortTranscript) return text;
  const start = text.slice(0, shortTranscript);
  const line = start.lastIndexOf("\n");
  const end = line > shortTranscript / 2 ? line : start.lastIndexOf(" ");
  return `${start
    .slice(0, end > shortTranscript / 2 ? end : shortTranscript)
    .toWellFormed()
    .trim()}…`;
}
