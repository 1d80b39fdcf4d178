import { useQuery } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense } from "react";
import { Link, Redirect, Route, Switch, useRoute } from "wouter";
import { installations, signOut } from "./api.ts";
import { CallPage } from "./call/page.tsx";
import { CallsPage } from "./calls/page.tsx";
import { FailureCount } from "./failures/count.tsx";
import { FailuresPage } from "./failures/page.tsx";
import { LivePage } from "./live/page.tsx";
import { useLiveCalls } from "./live/use-live-calls.ts";
import { Empty, Loading } from "./parts.tsx";
import { useSession } from "./session.ts";
import { SetupPage } from "./setup/page.tsx";
import { type Language, languages, useText } from "./text/index.ts";
import { useTitle } from "./title.ts";

/** With its editor it is larger than all other pages together. */
const MappingPage = lazy(() => import("./mapping/page.tsx").then((page) => ({ default: page.MappingPage })));

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
          <NavLink to="/live">{t.nav.live}</NavLink>
          <NavLink to="/calls">{t.nav.calls}</NavLink>
          <NavLink to="/failures">
            {t.failures.title} <FailureCount />
          </NavLink>
          <NavLink to="/setup">{t.nav.setup}</NavLink>
          <NavLink to="/mapping">{t.nav.mapping}</NavLink>
        </nav>
        <LanguageChoice />
        <Account />
      </header>
      <div role="status" aria-live="polite">
        {!isConnected && <p className="away">{t.away}</p>}
      </div>
      <main id="content" tabIndex={-1}>
        <Switch>
          <Route path="/" component={FirstPage} />
          <Route path="/calls" component={CallsPage} />
          <Route path="/calls/:key">
            {({ key }) => <CallPage key={key} callKey={decodeURIComponent(key)} />}
          </Route>
          <Route path="/live" component={LivePage} />
          <Route path="/failures" component={FailuresPage} />
          <Route path="/setup" component={SetupPage} />
          <Route path="/mapping/:name?">
            {({ name }) => (
              <Suspense fallback={<Loading />}>
                <MappingPage name={name} />
              </Suspense>
            )}
          </Route>
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

/** Who is signed in. Without an admin token there is no session to end. */
function Account() {
  const { t } = useText();
  const session = useSession();
  if (!session) return null;
  const { name, role, signedInBy, expiresAt } = session;
  return (
    <span className="account">
      <span title={signedInBy}>
        {signedInBy === "loopback" ? t.thisMachine : name} <span className="soft">{t.roles[role]}</span>
      </span>
      {expiresAt !== undefined && (
        <button type="button" className="quiet" onClick={() => void signOut()}>
          {t.nav.signOut}
        </button>
      )}
    </span>
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

/** The calls; before the first one, what is missing until it comes. */
function FirstPage() {
  const { data } = useQuery({ queryKey: ["installations"], queryFn: installations });
  if (!data) return <Loading />;
  const hasCalls = data.items.some(({ calls }) => Object.keys(calls).length > 0);
  return <Redirect to={hasCalls ? "/calls" : "/setup"} replace />;
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
