import { isOwnError, messageOf } from "./errors.ts";
import { maskNumber, maskNumbers } from "./phone.ts";

const mail = /[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]{1,64}@[\p{L}\p{N}][\p{L}\p{N}.-]{0,254}/gu;
const worldNumber = /\+\d[\d ().-]{5,18}\d/g;
/** Numbers as people write them. Record ids of eight digits and more look the same and are masked, too. */
const anyNumber = /\+?\d[\d\s()./-]{5,18}\d/g;
/** A quote that was cut off has no end. */
const quote = /“[^”]*(?:”|$)/g;
const longestQuote = 600;

/**
 * Masks e-mail addresses and international numbers, and in quoted words everything that may be a number; record ids in our
 * own sentences stay. For texts that people read.
 */
export function maskPeople(text: string): string {
  const masked = maskMails(text).replace(worldNumber, (number) => maskNumber(number) ?? "***");
  return masked.replace(quote, (words) => words.replace(anyNumber, (number) => maskNumber(number) ?? "***"));
}

/** Masks e-mail addresses and everything that may be a phone number. For logs. */
export function maskAll(text: string): string {
  return maskNumbers(maskPeople(text));
}

/** Why something failed, for people: our own sentence, or a library's message as a quote. */
export function reasonOf(error: unknown): string {
  return isOwnError(error) ? maskPeople(messageOf(error)) : quoted(messageOf(error));
}

function maskMails(text: string): string {
  return text.includes("@") ? text.replace(mail, "***@***") : text;
}

/**
 * Words of a CRM or a provider within our own sentence, in curly quotes, so that logs can leave them out: error messages
 * repeat the refused values, names included. `quoted` masks numbers and e-mail addresses; `quotedWhole` is for words that code
 * reads ids from, and is masked when it is stored.
 */
export function quoted(words: string, longest = longestQuote): string {
  return maskPeople(quotedWhole(words, longest));
}

export function quotedWhole(words: string, longest = longestQuote): string {
  const plain = words.replace(/[“”]/g, '"');
  return `“${plain.length > longest ? `${plain.slice(0, longest)}…` : plain}”`;
}

/** Our own sentence without the words that it quotes. */
export function withoutQuotes(text: string): string {
  return text.replace(quote, "“…”");
}

/** The path of a request without the token of a recording or transcript, which would let its reader listen. */
export function pathForLog(path: string): string {
  return path.replace(/^\/(recordings|transcripts)\/.+$/s, "/$1/…");
}
