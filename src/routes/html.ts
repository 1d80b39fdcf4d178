/** Text that is HTML already. */
export type Html = { readonly html: string };

type Part = Html | string | number | undefined | readonly Part[];

/** HTML with every value escaped, unless it is `Html` itself. Lists are joined, absent values omitted. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: texts.map((text, i) => text + (i < parts.length ? textOf(parts[i]) : "")).join("") };
}

function textOf(part: Part): string {
  if (part === undefined) return "";
  if (typeof part === "string" || typeof part === "number") return escapeHtml(String(part));
  return "html" in part ? part.html : part.map(textOf).join("");
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? "");
}

type PageParts = {
  /** Its heading, unless that is the title alone. */
  header?: Html;
  main: Html;
  lang?: string;
  /** The way from the page to `/`, for pages that may be below a path of a proxy. */
  root?: string;
  /** The style sheet. */
  style?: string;
};

/** A whole page. */
export function pageWith(
  title: string,
  { header, main, lang = "en", root = "/", style = "style.css" }: PageParts,
): Html {
  return html`<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="${root}${style}">
</head>
<body>
<header>${header ?? html`<h1>${title}</h1>`}</header>
<main>${main}</main>
</body>
</html>
`;
}
