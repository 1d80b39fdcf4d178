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
