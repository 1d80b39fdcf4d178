import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { InstallationSummary } from "../api.ts";
import { useRight } from "../session.ts";
import { type Conflict, conflictIn, type Fault, faultsIn, type MappingReply, preview, save } from "./api.ts";
import { ApplyCard } from "./apply.tsx";
import { ConflictCard } from "./conflict.tsx";
import { Editor, type EditorHandle } from "./editor.tsx";
import { FaultList } from "./faults.tsx";
import { PreviewCard } from "./preview.tsx";
import { useMappingText } from "./text.ts";
import { VersionsCard } from "./versions.tsx";
import type { Words } from "./words.ts";

type WorkbenchProps = {
  installation: InstallationSummary;
  opened: MappingReply;
  words: Words;
  /** Why the fields of the CRM are not known. */
  fieldsAway: string | undefined;
};

const typingMs = 120;
const noFaults: readonly Fault[] = [];

/** What was not saved when another page was opened, by installation. */
const drafts = new Map<string, { text: string; saved: Conflict }>();

/** The editor with all that belongs to it: faults, preview, versions, and applying it. */
export function Workbench({ installation, opened, words, fieldsAway }: WorkbenchProps) {
  const m = useMappingText();
  const client = useQueryClient();
  const { name, timeZone } = installation;
  const isAdmin = useRight("admin");
  const mayEdit = isAdmin && opened.canSave;
  const editor = useRef<EditorHandle>(null);
  const [first] = useState(() => drafts.get(name) ?? { text: opened.text, saved: opened });
  const [saved, setSaved] = useState<Conflict>(first.saved);
  const [text, setText] = useState(first.text);
  const [comment, setComment] = useState("");
  const [call, setCall] = useState(() => new URLSearchParams(location.search).get("call") ?? undefined);
  const [conflict, setConflict] = useState<Conflict>();
  const settled = useSettled(text);
  const isDirty = text !== saved.text;
  useWarnBeforeLeaving(isDirty);
  useEffect(() => {
    if (isDirty) drafts.set(name, { text, saved });
    else drafts.delete(name);
  }, [name, isDirty, text, saved]);
  // A link from another page names a place in the file, or a field of the activity.
  useEffect(() => {
    const place = decodeURIComponent(location.hash.slice(1));
    const whole = place.includes(".") ? place : `activity.${place}`;
    if (place !== "") editor.current?.goTo({ at: `: ${whole}`, problem: "" });
  }, []);

  const shown = useQuery({
    queryKey: ["mapping preview", name, saved.version, settled, call],
    queryFn: () => preview(name, settled, call),
    enabled: isAdmin,
    placeholderData: keepPreviousData,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  const lastShown = useRef(shown.data);
  lastShown.current = shown.data ?? lastShown.current;
  const faults = faultsIn(shown.error) ?? noFaults;
  const warnings = (!shown.error && shown.data?.warnings) || noFaults;

  const use = (next: { text: string; version: string }) => {
    setSaved(next);
    setConflict(undefined);
    void client.invalidateQueries({ queryKey: ["mapping versions", name] });
  };
  const saving = useMutation({
    mutationFn: (given: { text: string; version: string }) => save(name, { ...given, comment }),
    onSuccess: ({ version = "" }, given) => {
      // The server ends a file with a line break.
      const whole = given.text.endsWith("\n") ? given.text : `${given.text}\n`;
      if (whole !== given.text && text === given.text) editor.current?.replace(whole);
      use({ text: whole, version });
      setComment("");
    },
    onError: (error) => setConflict(conflictIn(error)),
  });
  const saveNow = () => {
    if (mayEdit && isDirty && !saving.isPending) saving.mutate({ text, version: saved.version });
  };
  const putTheirs = (theirs: Conflict) => {
    editor.current?.replace(theirs.text);
    use(theirs);
    saving.reset();
  };

  return (
    <>
      {!isAdmin && <p className="warning">{m.readOnly}</p>}
      {isAdmin && !opened.canSave && <p className="warning">{m.perInstance}</p>}
      {fieldsAway !== undefined && (
        <p className="warning">
          {m.fieldsAway} {fieldsAway}
        </p>
      )}
      {conflict && (
        <ConflictCard
          mine={text}
          theirs={conflict}
          keepMine={() => saving.mutate({ text, version: conflict.version })}
          takeTheirs={() => putTheirs(conflict)}
          goOn={() => setConflict(undefined)}
        />
      )}
      <div className="bench">
        <section className="card" aria-label={m.editor}>
          <Editor
            ref={editor}
            first={first.text}
            label={m.editor}
            isReadOnly={!mayEdit}
            words={words}
            faults={faults}
            warnings={warnings}
            changed={setText}
            save={saveNow}
          />
          <FaultList
            faults={faults}
            warnings={warnings}
            goTo={(fault) => editor.current?.goTo(fault)}
            correct={mayEdit ? (fault, word) => editor.current?.correct(fault, word) : undefined}
          />
          {mayEdit && (
            <form
              className="saving"
              onSubmit={(event) => {
                event.preventDefault();
                saveNow();
              }}
            >
              <input
                value={comment}
                maxLength={200}
                aria-label={m.comment}
                placeholder={m.comment}
                onChange={(event) => setComment(event.target.value)}
              />
              <button
                type="submit"
                className="main"
                disabled={!isDirty || saving.isPending || faults.length > 0}
              >
                {m.save}
              </button>
              {isDirty && (
                <button type="button" onClick={() => editor.current?.replace(saved.text)}>
                  {m.undoAll}
                </button>
              )}
            </form>
          )}
          <div role="status">
            {isDirty ? (
              <p className="soft">{m.unsaved}</p>
            ) : (
              saving.isSuccess && <p className="good">{m.saved}</p>
            )}
            {saving.error && !conflictIn(saving.error) && !faultsIn(saving.error) && (
              <p className="warning">{saving.error.message}</p>
            )}
          </div>
          <p className="soft keys">{m.keys}</p>
        </section>
        {isAdmin && (
          <PreviewCard
            installation={installation}
            shown={lastShown.current}
            error={faults.length > 0 ? undefined : shown.error}
            hasFaults={faults.length > 0}
            call={call}
            choose={setCall}
          />
        )}
      </div>
      <VersionsCard
        name={name}
        zone={timeZone}
        text={text}
        present={saved.version}
        mayRestore={mayEdit}
        isDirty={isDirty}
        restored={(next) => {
          editor.current?.replace(next.text);
          use(next);
          saving.reset();
        }}
        changedMeanwhile={setConflict}
      />
      <ApplyCard name={name} mayApply={isAdmin} isDirty={isDirty} />
    </>
  );
}

/** The text once typing has paused. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(text), typingMs);
    return () => window.clearTimeout(timer);
  }, [text]);
  return settled;
}

function useWarnBeforeLeaving(isDirty: boolean): void {
  useEffect(() => {
    if (!isDirty) return undefined;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [isDirty]);
}
