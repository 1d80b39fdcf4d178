import type { Request } from "express";
import { type Html, html, pageWith } from "./html.ts";

const english = {
  title: "Sign in",
  token: "Admin token",
  hint: "The value of SWITCHHOOK_ADMIN_TOKEN on the server.",
  submit: "Sign in",
  or: "or",
  with: "Sign in with {}",
  none: "There is no way to sign in here yet. An operator sets SWITCHHOOK_ADMIN_TOKEN, or signIn in the config file, and starts the server again.",
  signedOut: "You have signed out.",
  wrongToken:
    "This is not the admin token. Copy the value of SWITCHHOOK_ADMIN_TOKEN from the server's environment, without quotes.",
  tooMany: "There were too many wrong tokens at once. Try again in a few seconds.",
  expired: "The sign-in took longer than ten minutes, or was begun in another browser. Begin again below.",
  denied: "{} did not let you sign in. Try again below, or ask an administrator of {}.",
  notAllowed:
    "You are known to {}, but nothing allows you to use this server. Ask its operator to add you, your group or your domain to signIn in the config file.",
  notInstalled:
    "This account is not connected here. An administrator of the account connects it first, at /install; then sign in again.",
  notAdmin:
    "You may not administer Switchhook in this account. An administrator of the account gives you the right, and you sign in again.",
  failed:
    "Signing in with {} failed; the server's log says why. Try again below, or ask the operator of this server.",
  away: "{} cannot be reached just now. Try again in a minute.",
  badLink: "This link was used already, or is older than 60 seconds. Ask for a new one where you got it.",
  linkTitle: "Open the console",
  linkText: "This link signs you in as {} for the installation {}. It works once.",
  linkSubmit: "Continue",
};

export type LoginWord = keyof typeof english;

const dutch: Readonly<Record<LoginWord, string>> = {
  title: "Inloggen",
  token: "Beheerderstoken",
  hint: "De waarde van SWITCHHOOK_ADMIN_TOKEN op de server.",
  submit: "Inloggen",
  or: "of",
  with: "Inloggen met {}",
  none: "Hier kan nog niemand inloggen. Een operator stelt SWITCHHOOK_ADMIN_TOKEN in, of signIn in het configuratiebestand, en start de server opnieuw.",
  signedOut: "U bent uitgelogd.",
  wrongToken:
    "Dit is niet het beheerderstoken. Kopieer de waarde van SWITCHHOOK_ADMIN_TOKEN uit de omgeving van de server, zonder aanhalingstekens.",
  tooMany: "Er waren te veel verkeerde tokens tegelijk. Probeer het over enkele seconden opnieuw.",
  expired:
    "Het inloggen duurde langer dan tien minuten, of was in een andere browser begonnen. Begin hieronder opnieuw.",
  denied: "{} liet u niet inloggen. Probeer het hieronder opnieuw, of vraag een beheerder van {}.",
  notAllowed:
    "{} kent u, maar niets staat u toe deze server te gebruiken. Vraag de operator om u, uw groep of uw domein toe te voegen aan signIn in het configuratiebestand.",
  notInstalled:
    "Dit account is hier niet gekoppeld. Een beheerder van het account koppelt het eerst, op /install; log daarna opnieuw in.",
  notAdmin:
    "U mag Switchhook in dit account niet beheren. Een beheerder van het account geeft u dat recht; log daarna opnieuw in.",
  failed:
    "Inloggen met {} is mislukt; het logboek van de server zegt waarom. Probeer het hieronder opnieuw, of vraag de operator van deze server.",
  away: "{} is nu niet bereikbaar. Probeer het over een minuut opnieuw.",
  badLink: "Deze link is al gebruikt, of ouder dan 60 seconden. Vraag een nieuwe waar u deze kreeg.",
  linkTitle: "Console openen",
  linkText: "Met deze link logt u in als {} voor de installatie {}. Hij werkt één keer.",
  linkSubmit: "Doorgaan",
};

export type Words = { lang: "en" | "nl"; say: (word: LoginWord, ...values: string[]) => string };

/** The words in the language that the browser prefers, of those that there are. */
export function wordsFor(request: Request): Words {
  const lang = request.acceptsLanguages("en", "nl") === "nl" ? "nl" : "en";
  const words = lang === "nl" ? dutch : english;
  return {
    lang,
    say: (word, ...values) => {
      let next = 0;
      return words[word].replaceAll("{}", () => values[Math.min(next++, values.length - 1)] ?? "");
    },
  };
}

type LoginWays = {
  hasToken: boolean;
  /** Elsewhere: `path` below the login page. */
  others: readonly { path: string; label: string }[];
};

/** `next`: a path of ours to go on to. `notice`: a sentence about what just happened. */
export type LoginPage = LoginWays & { next: string; notice?: string; isError?: boolean };

/** The login page, without a script. Its addresses are relative: a proxy may have it below a path of its own. */
export function loginPage({ lang, say }: Words, page: LoginPage, root = "./"): Html {
  const { hasToken, others, next, notice, isError } = page;
  const form = html`<form method="post" action="${root}login">
<input type="hidden" name="next" value="${next}">
<label for="token">${say("token")}</label>
<input id="token" name="token" type="password" required autofocus autocomplete="current-password" aria-describedby="hint">
<p id="hint">${say("hint")}</p>
<button>${say("submit")}</button>
</form>`;
  const query = `?${new URLSearchParams({ next })}`;
  const ways = others.map(
    ({ path, label }) =>
      html`<a class="button" href="${root}login/${path}${path.includes("?") ? query.replace("?", "&") : query}">${say("with", label)}</a>`,
  );
  const between = hasToken && others.length > 0 ? html`<p class="or">${say("or")}</p>` : html``;
  const empty = hasToken || others.length > 0 ? html`` : html`<p>${say("none")}</p>`;
  return pageWith(say("title"), {
    lang,
    root,
    style: "login.css",
    main: html`${noticeOf(notice, isError)}${hasToken ? form : ""}${between}${ways}${empty}`,
  });
}

function noticeOf(notice: string | undefined, isError = false): Html {
  if (notice === undefined) return html``;
  return isError ? html`<p class="fault" role="alert">${notice}</p>` : html`<p role="status">${notice}</p>`;
}

/** What a one-time link opens. It is used by its form only: programs that look at links ahead of people use none up. */
export function linkPage({ lang, say }: Words, link: { token: string; text: string }): Html {
  return pageWith(say("linkTitle"), {
    lang,
    root: "../",
    style: "login.css",
    main: html`<p>${link.text}</p>
<form method="post" action="../login/link">
<input type="hidden" name="token" value="${link.token}">
<button autofocus>${say("linkSubmit")}</button>
</form>`,
  });
}

export const loginStyle = `:root { color-scheme: light dark; --line: #8886; --accent: #0a6b4e; --on-accent: #fff; --fault: #a8200d; }
@media (prefers-color-scheme: dark) { :root { --accent: #4cc39a; --on-accent: #06281d; --fault: #ff9c8c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 12vh 1.25rem 2rem; max-width: 26rem; font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 1.25rem; font-size: 1.5rem; }
label { display: block; margin-bottom: 0.3rem; font-weight: 600; }
input { width: 100%; padding: 0.6rem 0.7rem; font: inherit; color: inherit; background: transparent; border: 1px solid var(--line); border-radius: 6px; }
#hint { margin: 0.35rem 0 1rem; font-size: 0.875rem; }
button, .button { display: block; width: 100%; margin: 0 0 0.6rem; padding: 0.6rem; font: inherit; font-weight: 600; text-align: center; text-decoration: none; color: var(--on-accent); background: var(--accent); border: 1px solid transparent; border-radius: 6px; cursor: pointer; }
.button { color: inherit; background: transparent; border-color: var(--line); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.or { margin: 0.75rem 0; text-align: center; }
[role] { margin: 0 0 1.25rem; padding: 0.6rem 0.8rem; border: 1px solid var(--line); border-left: 4px solid var(--accent); border-radius: 6px; }
.fault { border-left-color: var(--fault); }
`;
