import type { Route } from "./route.ts";

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

/** `/style.css`: the style of the pages that the server writes, without scripts. */
export const styleRoute: Route = {
  method: "get",
  path: "/style.css",
  guard: "open",
  handle: (_, response) => response.type("css").send(style),
};

/** The style sheet of all our pages. */
const style = `:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #0a7d5a; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; font: 16px/1.5 system-ui, sans-serif; }
header { border-bottom: 1px solid var(--line); margin-bottom: 1.5rem; }
h1 { margin: 0; font-size: 1.7rem; }
h1 small { font-size: 1rem; font-weight: normal; opacity: 0.6; }
h2 { margin: 2rem 0 0.7rem; font-size: 1.2rem; }
h3 { margin: 0 0 0.4rem; font-size: 1rem; }
p { margin: 0.3rem 0; }
a { color: var(--accent); }
code, pre { font: 13px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { padding: 0.8rem; background: var(--soft); border-radius: 6px; white-space: pre-wrap; user-select: all; }
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); }
article { padding: 1rem; border: 1px solid var(--line); border-radius: 8px; }
dl { margin: 0.8rem 0 0; }
dt { font-weight: 600; }
dd { margin: 0 0 0.4rem; }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th, td { padding: 0.4rem 0.8rem 0.4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
.state { display: inline-block; padding: 0 0.5rem; border-radius: 1rem; background: var(--soft); font-size: 13px; }
.state.logged { background: #0a7d5a33; }
.state.dead { background: #c0392b44; }
.state.waiting, .state.open { background: #d9a40044; }
`;
