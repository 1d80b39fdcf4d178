import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useFormat } from "../format.ts";
import { Card, Dialog, Failed, Loading } from "../parts.tsx";
import { type Conflict, conflictIn, type ListedVersion, restore, version, versions } from "./api.ts";
import { Compare } from "./compare.tsx";
import { useMappingText } from "./text.ts";

type VersionsCardProps = {
  name: string;
  zone: string;
  /** In the editor. */
  text: string;
  /** The version that is in use, as far as the page knows. */
  present: string;
  mayRestore: boolean;
  isDirty: boolean;
  restored: (next: Conflict) => void;
  changedMeanwhile: (theirs: Conflict) => void;
};

/** The texts that were saved, what differs from each, and the way back. */
export function VersionsCard(props: VersionsCardProps) {
  const { name, zone, text, present, mayRestore, isDirty, restored, changedMeanwhile } = props;
  const m = useMappingText();
  const [compared, setCompared] = useState<number>();
  const { data, error, refetch } = useQuery({
    queryKey: ["mapping versions", name],
    queryFn: () => versions(name),
  });
  const restoring = useMutation({
    mutationFn: async (number: number) => {
      const { text } = await version(name, number);
      return { text, version: (await restore(name, number, present)).version };
    },
    onSuccess: restored,
    onError: (failure) => {
      const theirs = conflictIn(failure);
      if (theirs) changedMeanwhile(theirs);
    },
  });
  return (
    <Card title={m.versions} about={m.versionsAbout}>
      {error && <Failed error={error} again={() => void refetch()} />}
      {data?.items.length === 0 && <p className="soft">{m.noVersions}</p>}
      {mayRestore && isDirty && data && data.items.length > 0 && <p className="soft">{m.saveFirst}</p>}
      <div role="status">
        {restoring.isSuccess && !isDirty && <p className="good">{m.restored(restoring.variables)}</p>}
        {restoring.error && !conflictIn(restoring.error) && (
          <p className="warning">{restoring.error.message}</p>
        )}
      </div>
      {data && data.items.length > 0 && (
        <div className="wide">
          <table>
            <thead>
              <tr>
                <th scope="col">{m.versions}</th>
                <th scope="col">{m.when}</th>
                <th scope="col">{m.who}</th>
                <th scope="col">{m.why}</th>
                <td />
              </tr>
            </thead>
            <tbody>
              {data.items.map((one) => (
                <VersionRow
                  key={one.number}
                  one={one}
                  zone={zone}
                  compare={() => setCompared(one.number)}
                  restore={
                    mayRestore && !isDirty && !restoring.isPending
                      ? () => restoring.mutate(one.number)
                      : undefined
                  }
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {compared !== undefined && (
        <Dialog title={m.version(compared)} close={() => setCompared(undefined)}>
          <Compared name={name} number={compared} text={text} />
        </Dialog>
      )}
    </Card>
  );
}

type VersionRowProps = {
  one: ListedVersion;
  zone: string;
  compare: () => void;
  restore: (() => void) | undefined;
};

function VersionRow({ one, zone, compare, restore }: VersionRowProps) {
  const m = useMappingText();
  const format = useFormat();
  const { number, at, who, comment } = one;
  return (
    <tr>
      <th scope="row">{m.version(number)}</th>
      <td>
        <time dateTime={at} title={format.ago(at)}>
          {format.time(at, zone)}
        </time>
      </td>
      <td>{who ?? <span className="soft">{m.notSavedHere}</span>}</td>
      <td>{comment}</td>
      <td className="acts">
        <button type="button" className="quiet" onClick={compare}>
          {m.compare} <span className="hidden">{m.version(number)}</span>
        </button>
        <button type="button" className="quiet" disabled={!restore} onClick={restore}>
          {m.restore} <span className="hidden">{m.version(number)}</span>
        </button>
      </td>
    </tr>
  );
}

function Compared({ name, number, text }: { name: string; number: number; text: string }) {
  const m = useMappingText();
  const { data, error } = useQuery({
    queryKey: ["mapping version", name, number],
    queryFn: () => version(name, number),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (error) return <Failed error={error} />;
  if (!data) return <Loading />;
  return <Compare left={{ title: m.version(number), text: data.text }} right={{ title: m.present, text }} />;
}
