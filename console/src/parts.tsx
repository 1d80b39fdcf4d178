import { type ReactNode, useEffect, useRef, useState } from "react";
import type { CallSummary } from "./api.ts";
import { useText } from "./text/index.ts";

/** The state of a call, by word and colour. */
export function StateBadge({ state }: { state: CallSummary["state"] }) {
  const { t } = useText();
  return <span className={`badge ${state}`}>{t.states[state]}</span>;
}

/** What is shown in place of a list without items: what that means, and what to do next. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      {children && <div>{children}</div>}
    </div>
  );
}

/** What could not be loaded, with the server's own sentence. */
export function Failed({ error, again }: { error: Error; again?: () => void }) {
  const { t } = useText();
  return (
    <div className="empty" role="alert">
      <h2>{t.failed}</h2>
      <p>{error.message}</p>
      {again && (
        <button type="button" onClick={again}>
          {t.tryAgain}
        </button>
      )}
    </div>
  );
}

/** Lines that stand for what is still being loaded. */
export function Loading() {
  const { t } = useText();
  return (
    <div className="loading" role="status">
      <span className="hidden">{t.loading}</span>
      {[0, 1, 2, 3, 4].map((line) => (
        <span key={line} className="line" />
      ))}
    </div>
  );
}

/** A text with a button that copies it. */
export function Copyable({ text, label }: { text: string; label?: string }) {
  return (
    <span className="copyable">
      <code>{label ?? text}</code>
      <CopyButton text={text} />
    </span>
  );
}

const copiedMs = 2_000;

export function CopyButton({ text }: { text: string }) {
  const { t } = useText();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = window.setTimeout(() => setCopied(false), copiedMs);
    return () => window.clearTimeout(timer);
  }, [isCopied]);
  return (
    <button
      type="button"
      className="quiet"
      onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
    >
      <span aria-live="polite">{isCopied ? t.copied : t.copy}</span>
    </button>
  );
}

/** The command that gives the same facts in a terminal. */
export function InTerminal({ command }: { command: string }) {
  const { t } = useText();
  return (
    <p className="terminal">
      {t.cli}: <Copyable text={command} />
    </p>
  );
}

type DialogProps = { title: string; close: () => void; children: ReactNode };

/** A dialog over the page. The browser keeps the focus in it, and Escape closes it. */
export function Dialog({ title, close, children }: DialogProps) {
  const { t } = useText();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} onClose={close} aria-label={title}>
      <header>
        <h2>{title}</h2>
        <button type="button" className="quiet" onClick={close}>
          {t.close}
        </button>
      </header>
      {children}
    </dialog>
  );
}

/** A part of a page under a heading. */
export function Card({ title, about, children }: { title: string; about?: string; children: ReactNode }) {
  return (
    <section className="card">
      <h2>{title}</h2>
      {about !== undefined && <p className="about">{about}</p>}
      {children}
    </section>
  );
}

/** A value of any shape in a line. */
export function Value({ value }: { value: unknown }) {
  const { t } = useText();
  if (value === undefined || value === null || value === "") return <span className="soft">{t.none}</span>;
  if (typeof value === "object") return <code>{JSON.stringify(value)}</code>;
  return <span className="value">{String(value)}</span>;
}
