import { type ReactNode, useEffect } from "react";
import { Link, Route, Switch, useRoute } from "wouter";
import { CallPage } from "./call/page.tsx";
import { CallsPage } from "./calls/page.tsx";
import { useLiveCalls } from "./live.ts";
import { Empty } from "./parts.tsx";
import { SetupPage } from "./setup.tsx";
import { type Language, languages, useText } from "./text/index.ts";

/** The frame of all pages: navigation, language, and whether the server answers. */
export function Shell() {
  const { t } = useText();
  const { isConnected } = useLiveCalls();
  return (
    <div className="shell">
      <a className="skip" href="#content">
        {t.nav.skip}
      </a>
      <header className="bar">
        <Link href="/" className="brand">
          {t.product}
        </Link>
        <nav aria-label={t.nav.menu}>
          <NavLink to="/calls">{t.nav.calls}</NavLink>
          <NavLink to="/setup">{t.nav.setup}</NavLink>
        </nav>
        <LanguageChoice />
      </header>
      <div role="status" aria-live="polite">
        {!isConnected && <p className="away">{t.away}</p>}
      </div>
      <main id="content" tabIndex={-1}>
        <Switch>
          <Route path="/" component={CallsPage} />
          <Route path="/calls" component={CallsPage} />
          <Route path="/calls/:key">
            {({ key }) => <CallPage key={key} callKey={decodeURIComponent(key)} />}
          </Route>
          <Route path="/setup" component={SetupPage} />
          <Route>
            <NoPage />
          </Route>
        </Switch>
      </main>
    </div>
  );
}

function NavLink({ to, children }: { to: string; children: ReactNode }) {
  const [isHere] = useRoute(`${to}/*?`);
  return (
    <Link href={to} aria-current={isHere ? "page" : undefined}>
      {children}
    </Link>
  );
}

function LanguageChoice() {
  const { language, choose, t } = useText();
  return (
    <label className="language">
      <span className="hidden">{t.nav.language}</span>
      <select value={language} onChange={(event) => choose(event.target.value as Language)}>
        {Object.entries(languages).map(([value, name]) => (
          <option key={value} value={value} lang={value}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function NoPage() {
  const { t } = useText();
  useTitle(t.noPage);
  return (
    <Empty title={t.noPage}>
      <Link href="/calls">{t.toCalls}</Link>
    </Empty>
  );
}

/** Names the page in the browser's tab and history. */
export function useTitle(title: string): void {
  const { t } = useText();
  useEffect(() => {
    document.title = `${title} · ${t.product}`;
  }, [title, t.product]);
}
