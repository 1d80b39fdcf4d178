import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";
import { base, installations } from "../api.ts";
import { useFormat } from "../format.ts";
import { useRight } from "../session.ts";
import { useText } from "../text/index.ts";
import { type Group, ignoreGroup } from "./api.ts";
import { RetryButton } from "./retry.tsx";

/** What is wrong with the calls of a group, in the reader's language. */
export function useProblem(): (group: Pick<Group, "problem" | "cure">) => string {
  const { t } = useText();
  return ({ problem, cure }) => t.failures.problems[problem](cure.place ?? t.failures.someField);
}

/** Refused calls of one reason: what it is, where it is put right, and what can be done with them. */
export function GroupCard({ group }: { group: Group }) {
  const { t } = useText();
  const format = useFormat();
  const problem = useProblem();
  const all = useQuery({ queryKey: ["installations"], queryFn: installations });
  const { count, firstAt, lastAt, words, sample } = group;
  const known = all.data?.items ?? [];
  const zone = known.find(({ name }) => name === group.installations[0]?.name)?.timeZone;
  return (
    <section className="card group">
      <header>
        <h2>{problem(group)}</h2>
        <span className="badge dead">{t.failures.count(format.number(count))}</span>
      </header>
      <Cure group={group} crmOf={(name) => known.find((one) => one.name === name)?.crm} />
      <details>
        <summary>{t.failures.words}</summary>
        <code className="block">{words}</code>
      </details>
      <p className="soft when">
        <span>
          {t.failures.first} <Time at={firstAt} zone={zone} />
        </span>
        <span>
          {t.failures.last} <Time at={lastAt} zone={zone} /> ({format.ago(lastAt)})
        </span>
        {known.length > 1 && (
          <span>
            {group.installations.map((one) => `${one.name}: ${format.number(one.count)}`).join(", ")}
          </span>
        )}
      </p>
      <p className="actions">
        <RetryButton filter={{ group: group.group }} count={count} />
        <Link className="button" href={`/calls?state=dead&group=${group.group}`}>
          {t.failures.showCalls}
        </Link>
        <Link className="button" href={`/calls/${encodeURIComponent(sample)}`}>
          {t.failures.sample}
        </Link>
        <IgnoreButton group={group} isIgnored />
      </p>
    </section>
  );
}

function Time({ at, zone }: { at: string; zone: string | undefined }) {
  const format = useFormat();
  return <time dateTime={at}>{format.time(at, zone)}</time>;
}

type CureProps = { group: Group; crmOf: (installation: string) => string | undefined };

/** The place where the reason is put right, for each installation. */
function Cure({ group, crmOf }: CureProps) {
  const { t } = useText();
  const { kind, place } = group.cure;
  const { cures } = t.failures;
  if (kind === "crm" || kind === "retry") return <p>{cures[kind]}</p>;
  if (kind === "agents")
    return (
      <p>
        <Link href="/setup">{cures.agents}</Link>
      </p>
    );
  const hash = place === undefined ? "" : `#${encodeURIComponent(place)}`;
  const isOne = group.installations.length === 1;
  return (
    <ul className="cures">
      {group.installations.map(({ name }) => (
        <li key={name}>
          {kind === "mapping" ? (
            <Link href={`/mapping/${name}${hash}`}>
              {place === undefined ? cures.mapping : cures.mappingAt(place)}
            </Link>
          ) : (
            <a href={`${base}install/${crmOf(name) ?? ""}`}>{cures.reconnect}</a>
          )}{" "}
          {!isOne && t.failures.of(name)}
        </li>
      ))}
    </ul>
  );
}

function IgnoreButton({ group, isIgnored }: { group: Group; isIgnored: boolean }) {
  const { t } = useText();
  const client = useQueryClient();
  const isAdmin = useRight("admin");
  const changing = useMutation({
    mutationFn: () => ignoreGroup(group, isIgnored),
    onSuccess: () => client.invalidateQueries({ queryKey: ["calls", "groups"] }),
  });
  if (!isAdmin) return null;
  return (
    <>
      <button type="button" disabled={changing.isPending} onClick={() => changing.mutate()}>
        {isIgnored ? t.failures.ignore : t.failures.show}
      </button>
      {changing.error && <span role="alert">{changing.error.message}</span>}
    </>
  );
}

/** Groups that a person hid. */
export function IgnoredGroups({ groups }: { groups: readonly Group[] }) {
  const { t } = useText();
  const format = useFormat();
  const problem = useProblem();
  if (groups.length === 0) return null;
  return (
    <details className="ignored">
      <summary>{t.failures.ignored(format.number(groups.length))}</summary>
      <p className="soft">{t.failures.ignoring}</p>
      <ul>
        {groups.map((group) => (
          <li key={`${group.group} ${group.installations[0]?.name}`}>
            {problem(group)}{" "}
            <span className="soft">
              {group.installations.map(({ name }) => name).join(", ")},{" "}
              {t.failures.count(format.number(group.count))}
            </span>{" "}
            <IgnoreButton group={group} isIgnored={false} />
          </li>
        ))}
      </ul>
    </details>
  );
}
