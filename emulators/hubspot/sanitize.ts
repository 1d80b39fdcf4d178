/**
 * What a server's HTML sanitiser leaves of rich text. It is another writing of the same text, so a client
 * sees its value come back differently. unverified: which of these HubSpot does.
 */
export function sanitize(html: string): string {
  if (!/[<&]/.test(html)) return html;
  return html
    .replace(/<(script|style|iframe|object)\b[^>]*>[\s\S]*?<\/\1\s*>/gi, "")
    .replace(/<\/?(script|style|iframe|object|embed|form|input)\b[^>]*>/gi, "")
    .replace(/\s+on[a-z]+\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)/gi, "")
    .replace(/(href|src)\s*=\s*(["'])\s*javascript:[^"']*\2/gi, "")
    .replace(/<(br|hr|img)\b([^>]*?)\s*\/>/gi, "<$1$2>")
    .replace(/&(?:#39|apos|#x27);/gi, "'")
    .replace(/&quot;/gi, '"');
}
