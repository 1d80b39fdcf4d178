import { isOwnError, messageOf } from "./errors.ts";
import { maskNumber, maskNumbers } from "./phone.ts";

const mail = /[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]{1,64}@[\p{L}\p{N}][\p{L}\p{N}.-]{0,254}/gu;
const worldNumber = /\+\d[\d ().-]{5,18}\d/g;
/** As people write numbers; ids of records with eight digits and more look the same, and are masked, too. */
const anyNumber = /\+?\d[\d\s()./-]{5,18}\d/g;
/** One that was cut off has no end. */
const quote = /“[^”]*(?:”|$)/g;
const longestQuote = 600;

/**
 * E-mail addresses and international numbers masked, and whatever may be a number in words that are quoted; ids of records
 * in sentences of ours stay. For what people read.
 */
export function maskPeople(text: string): string {
  const masked = maskMails(text).replace(worldNumber, (number) => maskNumber(number) ?? "***");
  return masked.replace(quote, (words) => words.replace(anyNumber, (number) => maskNumber(number) ?? "***"));
}

/** E-mail addresses, and whatever may be a phone number, masked. For logs. */
export function maskAll(text: string): string {
  return maskNumbers(maskPeople(text));
}

/** Why something failed, for people: our sentence, or what a library said as a quote. */
export function reasonOf(error: unknown): string {
  return isOwnError(error) ? maskPeople(messageOf(error)) : quoted(messageOf(error));
}

function maskMails(text: string): string {
  return text.includes("@") ? text.replace(mail, "***@***") : text;
}

/**
 * Words of a CRM or a provider in a sentence of ours, between curly quotes, so that logs can leave them out: they repeat
 * what they refuse, names included. `quoted` masks numbers and e-mail addresses; `quotedWhole` is for words that code
 * reads ids from, and is masked when it is stored.
 */
export function quoted(words: string, longest = longestQuote): string {
  return maskPeople(quotedWhole(words, longest));
}

export function quotedWhole(words: string, longest = longestQuote): string {
  const plain = words.replace(/[“”]/g, '"');
  return `“${plain.length > longest ? `${plain.slice(0, longest)}…` : plain}”`;
}

/** A sentence of ours without the words that it quotes. */
export function withoutQuotes(text: string): string {
  return text.replace(quote, "“…”");
}

/** The path of a request without the token of a recording or transcript: whoever has it can listen. */
export function pathForLog(path: string): string {
  return path.replace(/^\/(recordings|transcripts)\/.+$/s, "/$1/…");
}
