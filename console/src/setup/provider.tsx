import { useMutation } from "@tanstack/react-query";
import { type Checklist, sendTestWebhook, type TestWebhook } from "../api.ts";
import { useFormat } from "../format.ts";
import { Copyable, CopyButton } from "../parts.tsx";
import { useRight } from "../session.ts";
import { useText } from "../text/index.ts";
import { Item } from "./item.tsx";

type Provider = Checklist["providers"][number];
type ProviderItemProps = { provider: Provider; installation: string; zone: string };

/** The webhooks of one provider: the address to give it, whether real ones come, and a test. */
export function ProviderItem({ provider, installation, zone }: ProviderItemProps) {
  const { t } = useText();
  const format = useFormat();
  const isAdmin = useRight("admin");
  const testing = useMutation({ mutationFn: () => sendTestWebhook(installation, provider.id) });
  const { label, state, url, lastCallAt, refused, unusedAt, command } = provider;
  return (
    <Item state={state} title={t.setup.webhooksOf(label)}>
      <p>
        {t.setup.address} <Copyable text={url} />
      </p>
      {refused && (
        <p className="warning">
          {t.setup.cameRefused(refused.status, format.number(refused.count), format.ago(refused.lastAt))}{" "}
          {refused.reason}. {t.setup.cures[refused.status]}
        </p>
      )}
      {lastCallAt !== undefined && <p>{t.setup.lastCall(format.time(lastCallAt, zone))}</p>}
      {unusedAt !== undefined && <p className="warning">{t.setup.cameUnused(format.ago(unusedAt))}</p>}
      {state === "open" && unusedAt === undefined && <p className="soft">{t.setup.webhooksNext}</p>}
      {isAdmin && (
        <p>
          <button type="button" disabled={testing.isPending} onClick={() => testing.mutate()}>
            {t.setup.test}
          </button>
        </p>
      )}
      {command !== undefined && (
        <details>
          <summary>{t.setup.tryIt}</summary>
          <code className="block">{command}</code> <CopyButton text={command} />
        </details>
      )}
      <div role="status">
        {testing.data && <TestOutcome result={testing.data} />}
        {testing.error && <p className="warning">{testing.error.message}</p>}
      </div>
    </Item>
  );
}

function TestOutcome({ result: { url, status, understood, problem } }: { result: TestWebhook }) {
  const { t } = useText();
  if (!understood)
    return (
      <p className="warning">
        {status === undefined ? t.setup.testLost(url) : t.setup.testRefused(status)} {problem}.{" "}
        {status === undefined ? t.setup.testLostNext : t.setup.cures[status]}
      </p>
    );
  const { kind, direction, outcome, phase } = understood;
  const what = [
    direction && t.directions[direction as keyof typeof t.directions],
    (outcome && t.outcomes[outcome]) ?? (phase && t.phases[phase]),
  ];
  return <p className="good">{t.setup.testDone(kind, what.filter(Boolean).join(", "))}</p>;
}
