const ellipsis = "…";

/** A tag, an entity, an address or one character: what cannot be cut in two. */
const htmlParts = /<[^>]*>|&(?:#\d+|#x[\da-f]+|\w+);|https?:\/\/[^\s<>"]+|[\s\S]/giu;
const textParts = /https?:\/\/[^\s<>"]+|[\s\S]/giu;

/** Line breaks belong to the text around them; other tags end it. */
const isBreak = (part: string) => /^<br\s*\/?>$/i.test(part);
const isTag = (part: string) => part.length > 2 && part.startsWith("<");
const isBlankLine = (parts: readonly string[], i: number) => parts[i] === "\n" && parts[i + 1] === "\n";

/**
 * Plain text of at most `most` characters. The longest paragraph gives way, so that a link at the end stays; addresses
 * are left out as a whole, never in part.
 */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  const parts = text.match(textParts) ?? [];
  return shortened(parts, (i) => isBlankLine(parts, i) || isBlankLine(parts, i - 1), most);
}

/** HTML of at most `most` characters, in the same way. Tags stay whole and in pairs, entities are never cut. */
export function cutHtml(html: string, most: number): string {
  if (html.length <= most) return html;
  const parts = html.match(htmlParts) ?? [];
  const whole = shortened(parts, (i) => isTag(parts[i] ?? "") && !isBreak(parts[i] ?? ""), most);
  if (whole.length <= most) return whole;
  // More tags than there is room for: their text alone says something.
  return cutText(html.replace(/<[^>]*>/g, " ").replace(/\s+/g, " "), most);
}

type Stretch = { from: number; to: number; length: number };

/** The parts in order, without the ends of the longest stretches between borders. */
function shortened(parts: readonly string[], isBorder: (i: number) => boolean, most: number): string {
  const kept = parts.slice();
  let size = kept.reduce((sum, part) => sum + part.length, 0);
  const stretches = stretchesOf(parts, isBorder).sort((a, b) => b.length - a.length);
  for (const { from, to } of stretches) {
    if (size <= most) break;
    let at = to;
    size += ellipsis.length;
    while (at > from && size > most) {
      at -= 1;
      size -= kept[at]?.length ?? 0;
      kept[at] = "";
    }
    if (at > from || size <= most) kept[at] = ellipsis;
    else size -= ellipsis.length;
  }
  return kept.join("");
}

function stretchesOf(parts: readonly string[], isBorder: (i: number) => boolean): Stretch[] {
  const stretches: Stretch[] = [];
  let open: Stretch | undefined;
  for (const [i, part] of parts.entries()) {
    if (isBorder(i)) {
      open = undefined;
      continue;
    }
    if (!open) {
      open = { from: i, to: i, length: 0 };
      stretches.push(open);
    }
    open.to = i + 1;
    open.length += part.length;
  }
  return stretches;
}
