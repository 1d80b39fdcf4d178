import type { CallDetail } from "../api.ts";
import { useFormat } from "../format.ts";
import { Card, Value } from "../parts.tsx";
import { useText } from "../text/index.ts";

type Field = CallDetail["fields"][number];

/** Field by field: what the mapping makes of the call, what was written, and what a person changed. */
export function Fields({ detail, zone }: { detail: CallDetail; zone: string | undefined }) {
  const { t } = useText();
  const { fields } = detail;
  return (
    <Card title={t.call.fields} about={t.call.fieldsAbout}>
      {fields.length === 0 ? (
        <p className="soft">{t.call.fieldsEmpty}</p>
      ) : (
        <div className="wide">
          <table>
            <thead>
              <tr>
                <th scope="col">{t.call.field}</th>
                <th scope="col">{t.call.mapping}</th>
                <th scope="col">{t.call.value}</th>
                <th scope="col">{t.call.sent}</th>
              </tr>
            </thead>
            <tbody>
              {fields.map((field) => (
                <FieldRow key={field.field} field={field} zone={zone} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

function FieldRow({ field, zone }: { field: Field; zone: string | undefined }) {
  const { t } = useText();
  const format = useFormat();
  const { mapping, value, sent, edited, pending, write, written } = field;
  const mode = { always: undefined, once: t.call.onlyOnce, "if-empty": t.call.onlyEmpty }[write];
  const earlier = written.slice(0, -1);
  const last = written.at(-1);
  return (
    <tr>
      <th scope="row">
        <code>{field.field}</code>
      </th>
      <td>
        {mapping !== undefined && <code className="mapping">{sourceText(mapping)}</code>}
        {mode !== undefined && <small>{mode}</small>}
      </td>
      <td>
        <Value value={value} />
        {pending && <small className="pending">{t.call.pending}</small>}
        {edited && <small className="pending">{t.call.edited}</small>}
      </td>
      <td>
        {last === undefined ? (
          <Value value={undefined} />
        ) : String(sent) === String(value) ? (
          <span className="soft">{t.call.same}</span>
        ) : (
          <Value value={sent} />
        )}
        {last && <small>{format.exactTime(last.at, zone)}</small>}
        {earlier.length > 0 && (
          <details>
            <summary>{t.call.before}</summary>
            <ul>
              {earlier.map((one) => (
                <li key={one.at}>
                  <s>
                    <Value value={one.value} />
                  </s>{" "}
                  <small>{format.exactTime(one.at, zone)}</small>
                </li>
              ))}
            </ul>
          </details>
        )}
      </td>
    </tr>
  );
}

/** How the mapping file fills a field: the path that it names, a text, or a constant. */
function sourceText(mapping: unknown): string {
  if (typeof mapping !== "object" || mapping === null) return JSON.stringify(mapping);
  const { from, text } = mapping as { from?: unknown; text?: unknown };
  if (typeof from === "string") return from;
  if (typeof text === "string") return text;
  return JSON.stringify(mapping);
}
