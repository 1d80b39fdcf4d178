/** A stretch of text that may be one phone number. `whole`: there is nothing else in the text, so less proof is needed. */
export type Piece = { text: string; whole: boolean };

/** Longer than any list of numbers that a person keeps in one field. */
export const longestText = 200;
/** How people mark an extension, in the languages of the CRMs' users; RFC 3966 writes `;ext=`. */
const extension =
  /(?<=[\d\s).,;/-]);?\s*(?:extension|extn|ext|xtn|x|#|toestel|tst|durchwahl|dw|klappe|interno|int|poste|anexo|ramal|доб)\s?[.:=#]?\s?\d{1,7}(?!\d)/giu;
/** Brazil: `xx` is a placeholder for the two digits of a carrier that the caller chooses. */
const carrier = /\(0?xx\s?(?=\d\d\))/i;
/** A pause of a phone's address book, behind which it dials an extension: `p204`, `w204`. */
const pause = /(?<=\d)[pw]\d{1,7}(?!\d)/gi;
/** How programs write a number that they took for an amount: `31612345678.0`, `3.1612345678E10`. */
const amount = /^\s*(?:\d{7,15}\.0|\d\.\d{6,14}E\+?\d\d?)\s*$/i;
/** A numbered list of numbers. */
const listed = /(?<![\d(+])\d[).]\s+/g;
/** A letter for the kind of phone, written directly after the number: `203-555-0184c`. */
const mark = /(?<=\d)[chmowt](?![\p{L}\d])/giu;
/** A label that stands directly before the number. */
const label = /^(?:m|t|p|w|h|tel|mob|cell|gsm|ph)[.:]?(?=[+(0])/i;
const date = /(?<!\d)(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d)(?!\d)/g;
const separators = String.raw`\s().\-~_/`;
/** Digits with the separators that people put between them. Glued to a letter they belong to a name or an id. */
const numberLike = new RegExp(
  String.raw`(?<![\p{L}\d_@*])[+(]{0,3}\d[\d${separators}+]{0,60}(?![\p{L}_@])`,
  "gu",
);
const onlyNumber = new RegExp(String.raw`^[+(\s]*\d[\d${separators}+]*$`);

/** The pieces of a CRM field or caller ID that may each be a phone number; extensions, remarks and dates are left out. */
export function piecesOf(text: string): Piece[] {
  const address = withoutScheme(plainText(text).trim());
  if (address === undefined) return [];
  const bare = address
    .replace(amount, digitsOfAmount)
    .replace(/^\s*1[).]\s.*$/, (list) => list.replace(listed, ","))
    .replace(extension, " ")
    .replace(pause, " ")
    .replace(mark, " ")
    .replace(carrier, "(")
    .replace(label, "")
    .replace(/(?:\+\s?|00\s?)+\+/g, "+");
  if (onlyNumber.test(bare.trim()) && !/.\+/.test(bare.replace(/^\(?\+/, "")))
    return [{ text: bare.trim(), whole: true }];
  const pieces = bare
    .replace(date, " ")
    .split(/[,;|&]|\bor\b|(?<=\d[\s)]{0,3})(?=\(?\+)/)
    .flatMap((part) => part.match(numberLike) ?? [])
    .map((piece) => ({ text: piece.trim(), whole: false }));
  const vanity = vanityOf(bare);
  return vanity === undefined ? pieces : [...pieces, { text: vanity, whole: false }];
}

/**
 * A text as a keyboard would have written it: digits of all scripts as 0-9, all dashes as -, all blanks as one blank,
 * dots of any height as ., line breaks as commas, without invisible characters.
 */
function plainText(text: string): string {
  return text
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .replace(/(?![0-9])\p{Nd}/gu, (digit) => String(valueOfDigit(digit.codePointAt(0) ?? 0)))
    .replace(/[\p{Pd}\u2212]/gu, "-")
    .replace(/[\u00b7\u2022\u2219\u22c5\u30fb]/g, ".")
    .replace(/[\r\n]+/g, ",")
    .replace(/[\p{Z}\p{Cc}]+/gu, " ");
}

/** Not of one that was shortened to a few places: its last digits are lost. */
function digitsOfAmount(text: string): string {
  const [, places = "", exponent = "0"] = /\.(\d+)E\+?(\d+)/i.exec(text) ?? [];
  return places.length < Number(exponent) - 1 ? text : String(Number(text));
}

/** The decimal digits of a script stand together in tens, so the value is how many of them come before. */
function valueOfDigit(point: number): number {
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(point - value - 1))) value += 1;
  return value;
}

/**
 * What a `sip:`, `sips:` or `tel:` address calls; any other text as it is. Undefined for the SIP address of a user. Some
 * trunks leave the scheme out: a number and a host.
 */
function withoutScheme(text: string): string | undefined {
  const address = text.replace(/^((?:[^<@]*<)?\s*)(?=\+?[\d().-]{7,}@[\w.:[\]-]+>?$)/, "$1sip:");
  const [, scheme, rest = ""] = /^(?:[^<]*<)?\s*(sips?|tel|callto):([^>]*)/i.exec(address) ?? [];
  if (scheme === undefined) return text;
  const isSip = /^sip/i.test(scheme);
  const called = (isSip ? rest.replace(/(?::[^@]*)?@.*$/, "") : rest).replace(/;(?!ext=).*$/i, "");
  const number = called.replace(/%2b/gi, "+").replace(/%20/g, " ").trim();
  return !isSip || /^\+?[\d().-]{7,}(?:;ext=\d+)?$/i.test(number) ? number : undefined;
}

const keys = "22233344455566677778889999";
/** `1`, area code and number; what a word has beyond that is dialled in vain. */
const northAmericanDigits = 11;

/** A number that ends in a word for a keypad: 800-555-TEST, 1-800-FLOWERS. A masked one (98765XXXXX) is none. */
function vanityOf(text: string): string | undefined {
  const [, digits = "", word = ""] =
    /^\+?([\d\s().-]*\d)[\s().-]*([A-Za-z][A-Za-z\d\s.-]{2,20})$/.exec(text) ?? [];
  const letters = word.replace(/[^A-Za-z]/g, "").toUpperCase();
  if (letters.length < 3 || new Set(letters).size === 1) return undefined;
  const before = digits.replace(/\D/g, "");
  if (!/^(?:[01]?8\d\d|1?300|\d{6,7})$/.test(before)) return undefined;
  const dialled = word
    .toUpperCase()
    .replace(/[^A-Z\d]/g, "")
    .replace(/[A-Z]/g, (letter) => keys[letter.charCodeAt(0) - 65] ?? "");
  const most = before.startsWith("8") ? northAmericanDigits - 1 : northAmericanDigits;
  return `${before}${dialled}`.slice(0, most);
}

/** What providers and carriers write in place of a number that the caller withheld, in the languages of their customers. */
const words = new Set(
  `
  anonymous, anonym, anonyme, anonimo, anonima, anoniem, anonymni, anonimowy, anonyymi, withheld,
  number withheld, caller withheld, cli withheld, restricted, blocked, hidden, private, private number,
  private caller, prive, prive nummer, privat, private nummer, privato, numero privato, privado,
  numero privado, prywatny, yksityinen, unknown, unknown caller, unknown number, unbekannt, onbekend,
  inconnu, desconocido, desconhecido, sconosciuto, okand, okant nummer, ukendt, ukjent, tuntematon,
  nieznany, neznamy, neznáme, ismeretlen, necunoscut, bilinmeyen, неизвестно, неизвестный, скрытый,
  скрытый номер, номер скрыт, невідомий, прихований, 非通知, 匿名, 未知, 未知号码, 発信者不明, 表示圏外, 발신번호표시제한, مجهول,
  رقم خاص, חסוי, अज्ञात, masque, numero masque, numero cache, oculto, numero oculto, nascosto, verborgen,
  verborgen nummer, afgeschermd, afgeschermd nummer, geheim, geheim nummer, unterdruckt,
  rufnummer unterdruckt, hemligt nummer, skjult, skjult nummer, hemmeligt nummer, zastrzezony,
  numer zastrzezony, rejtett szam, gizli numara, ascuns, skryte cislo, unavailable, not available,
  number unavailable, no number, no caller id, nocallerid, no cli, caller id blocked, restrito, salainen,
  international, payphone, id withheld, out of area, clir, n/a, null, none, undefined, nil, -
  `
    .split(",")
    .map(folded),
);

/**
 * The same words dialled on a keypad, as carriers put them into a field that takes digits only: ANONYMOUS, BLOCKED,
 * PRIVATE, UNAVAILABLE, UNKNOWN, WITHHELD, also with a 1 in front, and RESTRICTED, which with a 1 is a number of Austin.
 */
const keypad = /^(?:00)?(?:1?(?:266696687|2562533|7748283|86282452253|8656696|94844353)|7378742833)$/;
/** NOCALLERID. After a plus it would be a number of Bangkok, after +1 one of Mississippi. */
const keypadWithoutPlus = "6622553743";

/**
 * Whether this means that the caller withheld the number: a word, its keypad spelling, a code such as -1, or a
 * SIP address whose user is such a word. `isNumber`: whether the digits are a number in use; a keypad
 * spelling without a plus can be one (266 696 687 is one of Évora).
 */
export function isWithheldText(text: string, isNumber: (digits: string) => boolean): boolean {
  const user = /^(?:.*<)?\s*sips?:([^@;>]*)/i.exec(text)?.[1] ?? /^([^@<>]+)@/.exec(text)?.[1] ?? text;
  const word = folded(user);
  if (words.has(word) || words.has(spoken(word)) || words.has(bare(word)) || /^-\d{1,2}$/.test(word))
    return true;
  const digits = word.replace(/[\s+().-]/g, "");
  if (digits === keypadWithoutPlus) return !word.startsWith("+") && !isNumber(word);
  if (!keypad.test(digits)) return false;
  return word.startsWith("+") || !isNumber(word);
}

/** `no-caller-id` as it is spoken. */
function spoken(word: string): string {
  return word.replace(/[-/]+/g, " ");
}

/** Without words such as in `Anonymous Caller`, `Número desconhecido`. */
function bare(word: string): string {
  return spoken(word)
    .replace(
      /(?<![\p{L}\p{N}])(?:caller|call|id|name|number|nummer|rufnummer|anrufer|numero|appel|llamada)(?![\p{L}\p{N}])/gu,
      " ",
    )
    .replace(/\s+/g, " ")
    .trim();
}

/** Whether a number in E.164 form is a keypad spelling; a set of digits that no plan has given out. */
export function isKeypadSpelling(e164: string): boolean {
  return keypad.test(e164.slice(1));
}

/** Lower case, without accents, quotes and brackets, one blank between words. */
function folded(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[<>"'()[\]]/g, " ")
    .replace(/[_\s]+/g, " ")
    .trim();
}
