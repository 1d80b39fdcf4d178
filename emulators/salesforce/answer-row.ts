import type { Field, Row, Value } from "./field.ts";
import { type FieldPath, follow } from "./field-path.ts";
import type { Org } from "./org.ts";
import { readField } from "./read-field.ts";

export type AnswerRow = { attributes: { type: string; url?: string }; [field: string]: unknown };

/** A record with the fields of a query, related records inside of it. */
export function answerRow(
  org: Org,
  version: string,
  typeName: string,
  row: Row,
  paths: readonly FieldPath[],
): AnswerRow {
  const answer = emptyAnswer(version, typeName, row.Id);
  for (const { steps, field, read } of paths) {
    const holder = descend(org, version, answer, row, steps);
    if (holder) holder[field.name] = wireValue(field, read(row));
  }
  return answer;
}

/** All fields of a record that the user sees. */
export function wholeRow(org: Org, version: string, row: Row): AnswerRow {
  const type = org.typeOfId(row.Id);
  const answer = emptyAnswer(version, type?.name ?? "", row.Id);
  for (const field of type ? org.fields(type) : [])
    answer[field.name] = wireValue(field, readField(org, row, field));
  return answer;
}

/** Datetimes leave as `2026-01-31T10:00:00.000+0000`. */
function wireValue(field: Field, value: Value): Value {
  return field.type === "datetime" && typeof value === "string" ? value.replace(/Z$/, "+0000") : value;
}

/** The nested object that a relationship leads to, made if need be; undefined behind an empty reference. */
function descend(
  org: Org,
  version: string,
  answer: AnswerRow,
  row: Row,
  steps: readonly Field[],
): AnswerRow | undefined {
  let holder: AnswerRow = answer;
  for (const [index, step] of steps.entries()) {
    const name = step.relationship ?? step.name;
    const target = follow(org, steps.slice(0, index + 1), row);
    if (!target) {
      holder[name] = null;
      return undefined;
    }
    const inner = (holder[name] as AnswerRow | undefined) ?? emptyRelated(org, version, step, target);
    holder[name] = inner;
    holder = inner;
  }
  return holder;
}

/** What a polymorphic relationship leads to calls itself "Name". */
function emptyRelated(org: Org, version: string, step: Field, target: Row): AnswerRow {
  const type = org.typeOfId(target.Id)?.name ?? "";
  const related = emptyAnswer(version, type, target.Id);
  return step.referenceTo.length > 1 ? { attributes: { ...related.attributes, type: "Name" } } : related;
}

function emptyAnswer(version: string, type: string, id: string): AnswerRow {
  return { attributes: { type, url: `/services/data/v${version}/sobjects/${type}/${id}` } };
}
