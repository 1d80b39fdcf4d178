import { useQuery } from "@tanstack/react-query";
import { installations } from "../api.ts";
import { Empty, Failed, InTerminal, Loading } from "../parts.tsx";
import { useText } from "../text/index.ts";
import { useTitle } from "../title.ts";
import { ChecklistCard } from "./checklist.tsx";

/** The installations, and what is still missing for each to log calls. */
export function SetupPage() {
  const { t } = useText();
  useTitle(t.setup.title);
  const { data, error, refetch } = useQuery({ queryKey: ["installations"], queryFn: installations });
  return (
    <>
      <h1>{t.setup.title}</h1>
      <p className="about">{t.setup.about}</p>
      {error ? (
        <Failed error={error} again={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : data.items.length === 0 ? (
        <Empty title={t.setup.none}>{t.setup.noneNext}</Empty>
      ) : (
        data.items.map((one) => <ChecklistCard key={one.name} installation={one} />)
      )}
      <InTerminal command="switchhook check" />
    </>
  );
}
