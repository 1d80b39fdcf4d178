import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { delivery } from "../api.ts";
import { useFormat } from "../format.ts";
import { CopyButton, Dialog, Failed, Loading } from "../parts.tsx";
import { useText } from "../text/index.ts";

type WebhookDialogProps = { id: number; zone: string | undefined; close: () => void };

/** One webhook as it was received. */
export function WebhookDialog({ id, zone, close }: WebhookDialogProps) {
  const { t } = useText();
  const format = useFormat();
  const [isPretty, setPretty] = useState(true);
  const { data, error } = useQuery({ queryKey: ["delivery", id], queryFn: () => delivery(id) });
  return (
    <Dialog title={`${t.call.raw} ${id}`} close={close}>
      {error ? (
        <Failed error={error} />
      ) : !data ? (
        <Loading />
      ) : (
        <>
          <p>
            {t.call.received} {format.exactTime(data.receivedAt, zone)}. {t.call.masked}
          </p>
          <p>
            <code className="block">
              {data.method} {data.url}
            </code>
          </p>
          <h3>{t.call.headers}</h3>
          <code className="block">
            {Object.entries(data.headers)
              .map(([name, value]) => `${name}: ${value}`)
              .join("\n")}
          </code>
          <h3>
            {t.call.body} <CopyButton text={data.body} />{" "}
            <button
              type="button"
              className="quiet"
              aria-pressed={isPretty}
              onClick={() => setPretty(!isPretty)}
            >
              {isPretty ? t.call.plain : t.call.pretty}
            </button>
          </h3>
          <code className="block">{isPretty ? pretty(data.body) : data.body}</code>
        </>
      )}
    </Dialog>
  );
}

/** JSON with indents and forms with a field a line; anything else as it is. */
function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), undefined, 2);
  } catch {
    if (!/^[\w%.[\]-]+=[^\s]*$/.test(body)) return body;
    return [...new URLSearchParams(body)].map(([name, value]) => `${name} = ${value}`).join("\n");
  }
}
