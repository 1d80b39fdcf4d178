import { useQuery } from "@tanstack/react-query";
import { Link, Redirect } from "wouter";
import { type InstallationSummary, installations } from "../api.ts";
import { Empty, Failed, InTerminal, Loading } from "../parts.tsx";
import { useText } from "../text/index.ts";
import { useTitle } from "../title.ts";
import { crmFields, mapping, vocabulary } from "./api.ts";
import "./mapping.css";
import { useMappingText } from "./text.ts";
import { Workbench } from "./workbench.tsx";

/** The mapping of an installation; without a name, the choice among several. */
export function MappingPage({ name }: { name: string | undefined }) {
  const { t } = useText();
  const m = useMappingText();
  useTitle(name === undefined ? m.title : m.titleOf(name));
  const { data, error, refetch } = useQuery({ queryKey: ["installations"], queryFn: installations });
  if (error) return <Failed error={error} again={() => void refetch()} />;
  if (!data) return <Loading />;
  const [only] = data.items;
  if (name === undefined && only && data.items.length === 1)
    return <Redirect to={`/mapping/${only.name}`} replace />;
  const installation = data.items.find((one) => one.name === name);
  return (
    <>
      <h1>{name === undefined ? m.title : m.titleOf(name)}</h1>
      <p className="about">{m.about}</p>
      {data.items.length > 1 && <Choice all={data.items} name={name} />}
      {data.items.length === 0 && (
        <Empty title={m.none}>
          <Link href="/setup">{m.noneNext}</Link>
        </Empty>
      )}
      {installation ? (
        <Opened key={installation.name} installation={installation} />
      ) : (
        name !== undefined && (
          <Empty title={t.noPage}>
            <Link href="/mapping">{m.choose}</Link>
          </Empty>
        )
      )}
    </>
  );
}

function Choice({ all, name }: { all: readonly InstallationSummary[]; name: string | undefined }) {
  const m = useMappingText();
  return (
    <nav className="choice" aria-label={m.choose}>
      {all.map((one) => (
        <Link
          key={one.name}
          href={`/mapping/${one.name}`}
          className="button"
          aria-current={one.name === name ? "page" : undefined}
        >
          {one.name}
        </Link>
      ))}
    </nav>
  );
}

function Opened({ installation }: { installation: InstallationSummary }) {
  const { name } = installation;
  // Only what is edited here changes it: a later answer must not come between.
  const opened = useQuery({
    queryKey: ["mapping", name],
    queryFn: () => mapping(name),
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  const known = useQuery({
    queryKey: ["vocabulary"],
    queryFn: () => vocabulary(name),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const fields = useQuery({ queryKey: ["fields", name], queryFn: () => crmFields(name), retry: false });
  const error = opened.error ?? known.error;
  if (error) return <Failed error={error} again={() => void opened.refetch()} />;
  if (!opened.data || !known.data) return <Loading />;
  return (
    <>
      <Workbench
        installation={installation}
        opened={opened.data}
        words={{ vocabulary: known.data, fields: fields.data, crm: installation.crm }}
        fieldsAway={fields.error?.message}
      />
      <InTerminal command={`switchhook replay --installation ${name} --since 7d --dry-run`} />
    </>
  );
}
