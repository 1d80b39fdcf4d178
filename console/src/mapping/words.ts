import type { CrmFields, MappingVocabulary } from "./api.ts";

/** What a mapping may name, for the editor. */
export type Words = { vocabulary: MappingVocabulary; fields: CrmFields | undefined; crm: string };

export type Word = { label: string; type: string; about?: string };

type Field = CrmFields["activity"][number];
type Step = string | number;

const keys: Record<string, readonly string[]> = {
  "": ["crm", "activity", "associate", "contact", "task", "answer", "$schema"],
  task: ["when", "fields"],
  answer: ["rules", "variables", "metadata"],
  rule: ["name", "if", "agent", "reject"],
  value: ["from", "text", "map", "else"],
};
const sections: readonly (readonly [RegExp, "activity" | "contact" | "task" | undefined])[] = [
  [/^activity$/, "activity"],
  [/^contact$/, "contact"],
  [/^task\/fields$/, "task"],
  [/^(?:associate|answer\/(?:variables|metadata))$/, undefined],
];

/** The fields of the CRM that the part of a file with these steps may fill; undefined when it is no such part. */
function fieldsIn(words: Words, steps: readonly Step[]): readonly Field[] | undefined {
  const place = steps.join("/");
  const found = sections.find(([pattern]) => pattern.test(place));
  if (!found) return undefined;
  const [, part] = found;
  return part === undefined ? [] : (words.fields?.[part] ?? []);
}

function fieldAt(words: Words, steps: readonly Step[]): Field | undefined {
  return fieldsIn(words, steps.slice(0, -1))?.find(({ name }) => name === steps.at(-1));
}

/** The names that an object at this place may have. `from`: its path, of which `map` translates the values. */
export function namesAt(words: Words, steps: readonly Step[], from: string | undefined): Word[] {
  const place = steps.join("/");
  const own = keys[place];
  if (own) return own.map(keyword);
  const fields = fieldsIn(words, steps);
  if (fields) return fields.filter(({ writable }) => writable).map(wordOfField);
  if (/^answer\/rules\/\d+$/.test(place)) return (keys["rule"] ?? []).map(keyword);
  if (/^answer\/rules\/\d+\/if$/.test(place)) return pathsOf(words);
  if (steps.at(-1) === "map" && fieldsIn(words, steps.slice(0, -2))) return valuesOf(words, from).map(value);
  if (fieldsIn(words, steps.slice(0, -1)))
    return [...(keys["value"] ?? []), ...(steps[0] === "activity" ? ["write"] : [])].map(keyword);
  return [];
}

/** The values that belong at this place; of `text` only what is written in braces. */
export function valuesAt(words: Words, steps: readonly Step[]): Word[] {
  const place = steps.join("/");
  if (place === "crm") return [value(words.crm)];
  if (/^task\/when\/\d+$/.test(place)) return valuesOf(words, "call.outcome").map(value);
  const [, tested] = /^answer\/rules\/\d+\/if\/([^/]+)/.exec(place) ?? [];
  if (tested !== undefined) return valuesOf(words, tested).map(value);
  if (steps.at(-1) === "from") return pathsOf(words);
  if (steps.at(-1) === "write" && steps[0] === "activity") return ["always", "if-empty", "once"].map(value);
  const last = steps.at(-1) === "else" ? 1 : steps.at(-2) === "map" ? 2 : 0;
  return (fieldAt(words, last ? steps.slice(0, -last) : steps)?.options ?? []).map(value);
}

/** What may follow in a text, after what stands before the cursor. */
export function inText(words: Words, before: string): Word[] {
  const open = Math.max(before.lastIndexOf("{{"), before.lastIndexOf("{%"));
  if (open < 0 || /[}%]\}/.test(before.slice(open + 2))) return [];
  const inside = before.slice(open + 2);
  if (/\|\s*\w*$/.test(inside)) return words.vocabulary.filters.map((label) => ({ label, type: "function" }));
  if (before[open + 1] === "%" && /^-?\s*\w*$/.test(inside))
    return words.vocabulary.tags.map((label) => ({ label, type: "keyword" }));
  return pathsOf(words);
}

/** What a word means that is a path, or the name of a field at this place. */
export function meaningOf(words: Words, word: string, steps: readonly Step[] | undefined): Word | undefined {
  const path = pathsOf(words).find(({ label }) => label === word);
  if (path) return path;
  const open = words.vocabulary.open.find(({ path }) => word.startsWith(`${path}.`));
  if (open) return { label: word, type: "any", about: open.about };
  const field = steps && fieldAt(words, steps);
  return field && wordOfField(field);
}

function pathsOf({ vocabulary, fields }: Words): Word[] {
  const open = vocabulary.open.map(({ path, about }) => ({ label: `${path}.`, type: "any", about }));
  const readable = (fields?.readable ?? []).map((name) => ({ label: `contact.fields.${name}`, type: "any" }));
  return [
    ...vocabulary.paths.map(({ path, type, about }) => ({ label: path, type, about })),
    ...open,
    ...readable,
  ];
}

function valuesOf({ vocabulary }: Words, path: string | undefined): readonly string[] {
  return vocabulary.paths.find((one) => one.path === path)?.values ?? [];
}

function wordOfField({ name, type, options }: Field): Word {
  return { label: name, type, ...(options && { about: options.join(", ") }) };
}

const keyword = (label: string): Word => ({ label, type: "keyword" });
const value = (label: string): Word => ({ label, type: "constant" });
