import type { CallRecord, Fields, FieldValue } from "./crm.ts";

/**
 * The fields of a record. Fields with the mode `always` that we filled before and that have no value now are "", which
 * empties them; fields that were never filled are left out.
 */
export function withEmptied({ fields, modes, ours }: Pick<CallRecord, "fields" | "modes" | "ours">): Fields {
  const emptied = Object.entries(modes).filter(
    ([name, mode]) =>
      mode === "always" && !Object.hasOwn(fields, name) && own(ours, name)?.some((value) => value !== ""),
  );
  return { ...fields, ...Object.fromEntries(emptied.map(([name]) => [name, ""])) };
}

/**
 * Which fields of an activity may be overwritten, and which stay because a person changed them.
 * `current`: the activity's fields as the CRM has them; undefined for a new one, which gets everything.
 * `form`: the form in which two values of a field are compared, where a CRM stores another form than it was sent.
 */
export function fieldsToWrite(
  record: Pick<CallRecord, "fields" | "modes" | "ours">,
  current: Readonly<Record<string, FieldValue | null | undefined>> | undefined,
  form: (name: string, value: FieldValue) => FieldValue = (_, value) => value,
): { write: Fields; kept: string[] } {
  if (!current) return { write: { ...record.fields }, kept: [] };
  const write: [string, FieldValue][] = [];
  const kept: string[] = [];
  for (const [name, wanted] of Object.entries(record.fields)) {
    const mode = own(record.modes, name) ?? "always";
    // CRMs return numbers and booleans as text, and an empty field as "", null or not at all.
    const inForm = (value: FieldValue | null | undefined) =>
      value === undefined || value === null || value === "" ? "" : String(form(name, value));
    const now = inForm(own(current, name));
    if (mode === "once" || now === inForm(wanted)) continue;
    const before = (own(record.ours, name) ?? []).map(inForm);
    const untouched = before.length > 0 ? before.includes(now) : now === "";
    if (!untouched) kept.push(name);
    else if (mode === "always" || now === "") write.push([name, wanted]);
  }
  return { write: Object.fromEntries(write), kept };
}

/** Only own members: a field may be called `constructor`. */
function own<T>(members: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}
