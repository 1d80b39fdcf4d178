import { quoted } from "../../src/core/mask.ts";
import { GrantError, type GrantFailure } from "../../src/core/oauth.ts";
import { type JsonObject, textAt } from "../../src/lib/body.ts";
import type { SignInReply } from "./sign-in.ts";

type Meaning = readonly [GrantFailure, string];

const again = "connect the account again";
const passing: Meaning = ["later", "it is tried again later"];

const known: Readonly<Record<string, Meaning>> = {
  invalid_grant: ["revoked", again],
  // unverified: these come with a status of their own instead of invalid_grant.
  inactive_user: ["revoked", "the user who connected the account is inactive; connect it as another"],
  inactive_org: ["revoked", "the org is locked or closed"],
  invalid_app_access: ["revoked", "an administrator must allow the app for the user who connects"],
  rate_limit_exceeded: passing,
  unknown_error: passing,
  invalid_client: ["config", "copy clientSecret again from the external client app"],
  invalid_client_id: ["config", "copy clientId, the consumer key, again from the external client app"],
  redirect_uri_mismatch: ["config", "add our callback URL to the external client app, exactly as we send it"],
  API_DISABLED_FOR_ORG: ["revoked", "this edition of Salesforce has no API; add it or change the edition"],
  API_CURRENTLY_DISABLED: ["revoked", "give the user who connects the permission API Enabled"],
  unsupported_grant_type: ["config", "enable the authorization code flow in the external client app"],
};

/** What the description says goes before the error's name: `invalid_grant` stands for much. */
const described: readonly (readonly [RegExp, Meaning])[] = [
  [/code challenge/i, ["config", "the external client app requires PKCE, and our challenge did not arrive"]],
  // Two refreshes with the same token at once: the other one goes on.
  [/already being processed|rate exceeded/i, passing],
  // unverified: all orgs say it when our own address is not on the app's list, so none may be given up for it.
  [/ip restricted/i, ["config", "add our address to the IP addresses of the external client app"]],
];

/** What a refusal of the sign-in means. `secrets`: whatever Salesforce repeats of them is left out. */
export function failureOf(answer: SignInReply, what: string, secrets: readonly string[]): GrantError {
  const { status } = answer;
  const body = without(secrets, answer.body);
  const code = textAt(body, "error") ?? textAt(body, "errorCode");
  const words = textAt(body, "error_description") ?? textAt(body, "message") ?? "";
  const said = [status, code, words && quoted(words)].filter(Boolean).join(", ");
  const isPassing = status >= 500 || status < 400 || [408, 420, 429].includes(status);
  // With an error of OAuth a 401 is the answer to our app; without one, to a token that has expired.
  const isExpired = status === 401 && textAt(body, "error") === undefined;
  const [failure, cure] = isPassing || isExpired ? passing : meaningOf(code, words);
  return new GrantError(failure, `${what}: Salesforce says no (${said}): ${cure}`);
}

/** An answer that says yes, and not what was asked for. */
export function unusable(what: string, why: string): GrantError {
  return new GrantError("later", `${what}: ${why}`);
}

function meaningOf(code: string | undefined, words: string): Meaning {
  const special = described.find(([pattern]) => pattern.test(words));
  if (special) return special[1];
  const meaning = code !== undefined && Object.hasOwn(known, code) ? known[code] : undefined;
  return meaning ?? ["config", "check the app's settings here and at Salesforce"];
}

function without(secrets: readonly string[], body: JsonObject): JsonObject {
  const hide = (text: string) =>
    secrets.filter(Boolean).reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, typeof value === "string" ? hide(value) : value]),
  );
}
