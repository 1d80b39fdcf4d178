import { useQuery } from "@tanstack/react-query";
import { installations } from "../api.ts";
import { useFormat } from "../format.ts";
import { useText } from "../text/index.ts";
import "./failures.css";

/** How many calls the CRM refused, for the navigation. Read again with the lists of calls. */
export function FailureCount() {
  const { t } = useText();
  const format = useFormat();
  const { data } = useQuery({ queryKey: ["calls", "refused"], queryFn: installations });
  const count = data?.items.reduce((sum, { calls }) => sum + (calls["dead"] ?? 0), 0) ?? 0;
  if (count === 0) return null;
  const shown = format.number(count);
  return (
    <span className="count" title={t.failures.countLabel(shown)}>
      {shown}
    </span>
  );
}
