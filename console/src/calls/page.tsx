import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type SubmitEvent, useEffect, useRef } from "react";
import { useSearchParams } from "wouter";
import { base, calls, installations } from "../api.ts";
import { Empty, Failed, InTerminal, Loading } from "../parts.tsx";
import { useText } from "../text/index.ts";
import { useTitle } from "../title.ts";
import { Filters } from "./filters.tsx";
import { CallTable, isTyping } from "./table.tsx";

/** The list of calls. All filters are in the address, so that a link shows the same list. */
export function CallsPage() {
  const { t } = useText();
  useTitle(t.calls.title);
  const [filter, setFilter] = useSearchParams();
  const all = useQuery({ queryKey: ["installations"], queryFn: installations });
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery({
    queryKey: ["calls", filter.toString()],
    queryFn: ({ pageParam }) => calls(withCursor(filter, pageParam)),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next,
  });
  const change = (name: string, value: string) =>
    setFilter((before) => {
      const next = new URLSearchParams(before);
      if (value === "") next.delete(name);
      else next.set(name, value);
      return next;
    });
  const items = data?.pages.flatMap((page) => page.items) ?? [];
  const known = all.data?.items ?? [];
  const isFiltered = filter.size > 0;
  return (
    <>
      <h1>{t.calls.title}</h1>
      <Search text={filter.get("q") ?? ""} search={(text) => change("q", text)} />
      <Filters filter={filter} change={change} installations={known} />
      {isFiltered && (
        <p>
          <button type="button" className="quiet" onClick={() => setFilter(new URLSearchParams())}>
            {t.calls.clear}
          </button>
        </p>
      )}
      {error ? (
        <Failed error={error} again={() => void refetch()} />
      ) : !data ? (
        <Loading />
      ) : items.length === 0 ? (
        <Empty title={isFiltered ? t.calls.noneFound : t.calls.noneYet}>
          {isFiltered ? t.calls.noneFoundNext : t.calls.noneYetNext}
        </Empty>
      ) : (
        <CallTable calls={items} installations={known} />
      )}
      {hasNextPage && (
        <button type="button" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {t.calls.more}
        </button>
      )}
      {items.length > 0 && (
        <p className="soft">
          {t.calls.keys} <a href={`${base}api/calls.csv?${filter}`}>{t.calls.download}</a>
        </p>
      )}
      <InTerminal command="switchhook explain" />
    </>
  );
}

function withCursor(filter: URLSearchParams, cursor: string): URLSearchParams {
  const query = new URLSearchParams(filter);
  if (cursor !== "") query.set("cursor", cursor);
  return query;
}

/** `/` puts the cursor here from anywhere on the page. */
function Search({ text, search }: { text: string; search: (text: string) => void }) {
  const { t } = useText();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== "/" || isTyping(event.target)) return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener("keydown", focus);
    return () => document.removeEventListener("keydown", focus);
  }, []);
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    search(field.current?.value.trim() ?? "");
  };
  return (
    <form className="search" onSubmit={submit}>
      <input
        ref={field}
        type="search"
        key={text}
        defaultValue={text}
        aria-label={t.calls.search}
        placeholder={t.calls.search}
        onInput={(event) => event.currentTarget.value === "" && text !== "" && search("")}
      />
    </form>
  );
}
