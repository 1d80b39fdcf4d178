import { refuse } from "./errors.ts";

/** What a search looks for: a term of at least two characters, or a combination. `*` and `?` are wildcards. */
export type Find = { term: string } | { every: Find[] } | { some: Find[] } | { without: Find };

type Token = { word: string } | "(" | ")" | "AND" | "OR" | "NOT";

const longestText = 10_000;
const longestWithOperators = 4000;
const reserved = /[&|!{}[\]^"~:'+-]/;
const tokenPattern = /\s+|"((?:\\.|[^\\"])*)"|[()]|(?:\\.|[^\s()"\\])+|["\\]/gs;

/** Reads the text between the braces of FIND. A search that is too long finds nothing. */
export function readFind(text: string): Find {
  const tokens = tokensOf(text);
  if (text.length > longestText) return { some: [] };
  if (text.length > longestWithOperators) {
    return { every: tokens.flatMap((token) => (typeof token === "object" ? [{ term: token.word }] : [])) };
  }
  let at = 0;
  const find = anyOf();
  if (at < tokens.length) refuseFind("unexpected token: )");
  return find;

  function anyOf(): Find {
    const parts = [allOf()];
    while (tokens[at] === "OR") {
      at++;
      parts.push(allOf());
    }
    return parts.length === 1 ? (parts[0] ?? { some: [] }) : { some: parts };
  }

  function allOf(): Find {
    const parts = [one()];
    for (;;) {
      const token = tokens[at];
      if (token === undefined || token === ")" || token === "OR") break;
      if (token === "AND") at++;
      if (tokens[at] === "NOT") {
        at++;
        parts.push({ without: one() });
      } else parts.push(one());
    }
    return parts.length === 1 ? (parts[0] ?? { some: [] }) : { every: parts };
  }

  function one(): Find {
    const token = tokens[at++];
    if (typeof token === "object") return { term: token.word };
    if (token !== "(") return refuseFind(`unexpected token: ${token ?? "<EOF>"}`);
    const inside = anyOf();
    if (tokens[at++] !== ")") refuseFind("unexpected token: <EOF>");
    return inside;
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (const [token, phrase] of text.matchAll(tokenPattern)) {
    if (token.trim() === "") continue;
    if (token === "(" || token === ")" || token === "AND" || token === "OR" || token === "NOT")
      tokens.push(token);
    else tokens.push({ word: wordOf(phrase ?? token) });
  }
  if (tokens.length === 0) refuseFind("search term must be longer than one character");
  return tokens;
}

/** A term without its escapes; refuses characters that had to be escaped. */
function wordOf(text: string): string {
  const bare = text.replace(/\\./gs, "");
  const culprit = reserved.exec(bare)?.[0] ?? (bare.includes("\\") || text === '"' ? text : undefined);
  if (culprit !== undefined) refuseFind(`unexpected character '${culprit}': it must be escaped`);
  if (/^[*?]/.test(text)) refuseFind("a search term must not start with a wildcard");
  const word = text.replace(/\\(.)/gs, "$1");
  if (word.replace(/[*?]/g, "").length < 2) {
    refuseFind(`search term must be longer than one character: ${word}`);
  }
  return word;
}

function refuseFind(message: string): never {
  refuse(400, "MALFORMED_SEARCH", message);
}
