const ellipsis = "…";

/** What must not be cut in two, besides a character: an address, and in HTML a tag or an entity. */
const wholeInText = /https?:\/\/[^\s<>"]+/giu;
const wholeInHtml = /<[^<>]*>|&(?:#\d+|#x[\da-f]+|\w+);|https?:\/\/[^\s<>"]+/giu;

/** What a stretch ends at: blank lines in a text, tags in HTML other than line breaks. */
const blankLines = /\n{2,}/g;
const tags = /<(?!br\s*\/?>)[^<>]+>/giu;
/** A text with more paragraphs is cut as if it were one. */
const mostStretches = 10_000;

/**
 * Plain text of at most `most` characters. The longest paragraph is shortened, so that a link at the end stays; addresses
 * are left out as a whole, never in part.
 */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  const stretches = stretchesOf(text, blankLines) ?? [{ from: 0, to: text.length }];
  return shortened(text, stretches, wholeInText, most);
}

/** HTML of at most `most` characters, in the same way. Tags stay whole and in pairs, entities are never cut. */
export function cutHtml(html: string, most: number): string {
  if (html.length <= most) return html;
  const stretches = stretchesOf(html, tags);
  const whole = stretches ? shortened(html, stretches, wholeInHtml, most) : html;
  if (whole.length <= most) return whole;
  // There is no room for the tags: only their text is used.
  return cutText(html.replace(/<[^<>]*>/g, " ").replace(/\s+/g, " "), most);
}

/** `keep`: how many characters remain; all when absent. */
type TextRange = { from: number; to: number; keep?: string };

/** The text without the ends of the longest stretches between borders. */
function shortened(text: string, stretches: readonly TextRange[], wholes: RegExp, most: number): string {
  const longestFirst = stretches.slice().sort((a, b) => b.to - b.from - (a.to - a.from));
  let size = text.length;
  for (const stretch of longestFirst) {
    if (size <= most) break;
    const { from, to } = stretch;
    const room = to - from - (size + ellipsis.length - most);
    stretch.keep = room < 0 ? "" : `${beginning(text, from, from + room, wholes)}${ellipsis}`;
    size += stretch.keep.length - (to - from);
  }
  return joined(text, stretches);
}

function stretchesOf(text: string, borders: RegExp): TextRange[] | undefined {
  const stretches: TextRange[] = [];
  let from = 0;
  for (const { index, 0: border } of text.matchAll(borders)) {
    if (index > from && stretches.push({ from, to: index }) > mostStretches) return undefined;
    from = index + border.length;
  }
  if (text.length > from) stretches.push({ from, to: text.length });
  return stretches;
}

/** As much of a stretch as ends before `end`, without a part of what is whole. */
function beginning(text: string, from: number, end: number, wholes: RegExp): string {
  let last = end;
  wholes.lastIndex = from;
  for (let match = wholes.exec(text); match && match.index < end; match = wholes.exec(text))
    if (wholes.lastIndex > end) last = match.index;
  const isPair = /^[\ud800-\udbff][\udc00-\udfff]/.test(text.slice(last - 1, last + 1));
  return text.slice(from, isPair && last > from ? last - 1 : last);
}

function joined(text: string, stretches: readonly TextRange[]): string {
  let [whole, at] = ["", 0];
  for (const { from, to, keep } of stretches) {
    if (keep === undefined) continue;
    whole += text.slice(at, from) + keep;
    at = to;
  }
  return whole + text.slice(at);
}
