/**
 * `from`: a specifier as written; `types`: erased at run time. A dynamic import of an expression has no specifier.
 */
export type Import = { from?: string; types: boolean };

/** Code without its comments; strings are numbered placeholders, so that their words are not taken for code. */
export type Source = { code: string; strings: string[] };

const comment = /\/\*[\s\S]*?\*\/|\/\/[^\n]*/;
const string = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`/;
/** A regular expression stands where a value may stand: after an operator, an opening bracket or `return`. */
const pattern =
  /(?<=[(,=:[!&|?{};>]\s*|\breturn\s+|^\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/;
const token = new RegExp([comment, string, pattern].map((part) => part.source).join("|"), "gm");

export function readSource(text: string): Source {
  const strings: string[] = [];
  const code = text.replace(token, (part, offset: number) => {
    if (part.startsWith("//") || part.startsWith("/*")) return " ";
    if (part.startsWith("/")) return "0";
    strings.push(part.slice(1, -1));
    return `"${strings.length - 1}"${text[offset + part.length] === '"' ? " " : ""}`;
  });
  return { code, strings };
}

/** Static, type-only, dynamic and side-effect imports, and re-exports. */
export function importsOf({ code, strings }: Source): Import[] {
  const found: Import[] = [];
  const add = (index: string | undefined, types: boolean): void => {
    const from = index === undefined ? undefined : strings[Number(index)];
    found.push({ ...(from !== undefined && { from }), types });
  };
  for (const [, clause = "", index] of code.matchAll(
    /\b(?:import|export)\b([\w\s$*,{}]*?)\bfrom\s*"(\d+)"/g,
  )) {
    add(index, isTypeClause(clause));
  }
  for (const [, index] of code.matchAll(/\bimport\s*"(\d+)"/g)) add(index, false);
  for (const match of code.matchAll(/(typeof\s+)?\bimport\s*\(\s*(?:"(\d+)")?/g)) {
    add(match[2], match[1] !== undefined);
  }
  return found;
}

/** `import type …`, and `import { type A, type B }`: nothing of it is left at run time. */
function isTypeClause(clause: string): boolean {
  if (/^\s*type\s+(?!from\b)[\w{*]/.test(clause)) return true;
  const names = /^\s*\{([\s\S]*)\}\s*$/.exec(clause)?.[1]?.split(",") ?? [];
  const written = names.map((name) => name.trim()).filter((name) => name !== "");
  return written.length > 0 && written.every((name) => name.startsWith("type "));
}
