import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type SubmitEvent, useState } from "react";
import { type CallDetail, chooseContact, contacts } from "../api.ts";
import { Card, Dialog, Failed } from "../parts.tsx";
import { useRight } from "../session.ts";
import { useText } from "../text/index.ts";

type Ref = { kind: string; id: string };

/** Who the customer is, why, and who else it could be. An administrator can choose another contact. */
export function ContactCard({ detail }: { detail: CallDetail }) {
  const { t } = useText();
  const client = useQueryClient();
  const [isSearching, setSearching] = useState(false);
  const { summary, explanation } = detail;
  const { contact } = explanation;
  const { key, customer, provider, state } = summary;
  const raw = customer?.number;
  const mayChoose = useRight("admin") && state !== "merged";
  const choosing = useMutation({
    mutationFn: (chosen: Ref) => chooseContact(key, chosen),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["call", key] }),
  });
  return (
    <Card title={t.call.contact}>
      <p>
        {contact.chosen ? (
          <>
            <strong>
              {detail.contactUrl === undefined ? (
                (contact.chosen.name ?? contact.chosen.id)
              ) : (
                <a href={detail.contactUrl} target="_blank" rel="noreferrer" title={t.call.openInCrm}>
                  {contact.chosen.name ?? contact.chosen.id}
                </a>
              )}
            </strong>{" "}
            <span className="soft">
              {contact.chosen.kind} {contact.chosen.id}
            </span>
          </>
        ) : (
          t.call.noContact
        )}
      </p>
      <dl>
        <div>
          <dt>{t.call.customer}</dt>
          <dd>
            {contact.number ?? raw ?? t.calls.unknownCaller}
            {raw !== undefined && raw !== contact.number && <small>{t.call.sentAs(raw)}</small>}
            {customer?.name !== undefined && <small>{t.call.says(provider, customer.name)}</small>}
          </dd>
        </div>
        <div>
          <dt>{t.call.contactWhy}</dt>
          <dd>{[contact.lookup, contact.reason].filter(Boolean).join(": ")}</dd>
        </div>
        {contact.runnersUp.length > 0 && (
          <div>
            <dt>{t.call.runnersUp}</dt>
            <dd>
              <ul>
                {contact.runnersUp.map(({ id, kind, name }) => (
                  <li key={`${kind} ${id}`}>
                    {name ?? id}{" "}
                    <span className="soft">
                      {kind} {id}
                    </span>{" "}
                    {mayChoose && (
                      <button type="button" className="quiet" onClick={() => choosing.mutate({ kind, id })}>
                        {t.call.useContact}
                      </button>
                    )}
                  </li>
                ))}
              </ul>
            </dd>
          </div>
        )}
      </dl>
      {mayChoose && (
        <p>
          <button type="button" onClick={() => setSearching(true)}>
            {t.call.otherContact}
          </button>
        </p>
      )}
      <p role="status">{choosing.isSuccess && t.call.contactChosen}</p>
      {choosing.error && (
        <p role="alert" className="warning">
          {choosing.error.message}
        </p>
      )}
      {isSearching && (
        <ContactSearch
          installation={summary.installation}
          choose={(chosen) => {
            choosing.mutate(chosen);
            setSearching(false);
          }}
          close={() => setSearching(false)}
        />
      )}
    </Card>
  );
}

type ContactSearchProps = { installation: string; choose: (ref: Ref) => void; close: () => void };

/** Finds a contact of the CRM by number, name or id. */
function ContactSearch({ installation, choose, close }: ContactSearchProps) {
  const { t } = useText();
  const [text, setText] = useState("");
  const { data, error } = useQuery({
    queryKey: ["contacts", installation, text],
    queryFn: () => contacts(installation, text),
    enabled: text !== "",
  });
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setText(String(new FormData(event.currentTarget).get("q") ?? "").trim());
  };
  return (
    <Dialog title={t.call.otherContact} close={close}>
      <form className="search" onSubmit={submit}>
        <input type="search" name="q" aria-label={t.call.findContact} placeholder={t.call.findContact} />{" "}
        <button type="submit">{t.call.find}</button>
      </form>
      {error && <Failed error={error} />}
      <p role="status">{data?.items.length === 0 && t.call.noneWithThat}</p>
      <ul>
        {data?.items.map(({ kind, id, name, phones }) => (
          <li key={`${kind} ${id}`}>
            <strong>{name ?? id}</strong>{" "}
            <span className="soft">
              {kind} {id} {phones.join(", ")}
            </span>{" "}
            <button type="button" className="quiet" onClick={() => choose({ kind, id })}>
              {t.call.useContact}
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
