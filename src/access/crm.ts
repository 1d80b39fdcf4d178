import { GrantError, type OAuthContext } from "../core/crm-app.ts";
import { Rejected } from "../core/errors.ts";
import type { InstallableCrm } from "../installations/installer.ts";
import type { Store } from "../store/contract.ts";
import { createWay, type SignedIn, type SignInWay } from "./elsewhere.ts";

type CrmParts = Parameters<typeof createWay>[2] & {
  store: Pick<Store, "installs">;
  redirectUri: string;
  context: OAuthContext;
};

/** Signing in as an administrator of an account that is connected; undefined for a CRM that cannot say who consents. */
export function createCrmWay(
  crm: string,
  installable: InstallableCrm,
  parts: CrmParts,
): SignInWay | undefined {
  const { oauth, app, label, signInScopes } = installable;
  const { scopes = [], optionalScopes = [] } = signInScopes ? { scopes: signInScopes } : installable;
  const { store, redirectUri, context } = parts;
  const { signIn } = oauth;
  if (!signIn) return undefined;

  const finish = async (
    url: URL,
    { verifier, where }: { verifier: string; where?: string },
  ): Promise<SignedIn> => {
    const code = url.searchParams.get("code");
    if (code === null) return { refused: "failed", detail: "the CRM sent no code" };
    const given = { code, verifier, redirectUri, ...(where !== undefined && { where }) };
    const { user, withdraw } = await signIn.identify(app, given, context);
    const install = (await store.installs()).find((one) => one.crm === crm && one.account === user.account);
    if (!install || (install.state !== "active" && install.state !== "reconnect")) {
      // The consent may have installed the app again.
      await withdraw();
      return { refused: "notInstalled", detail: `${label} account ${user.account}` };
    }
    if (!user.isAdmin) return { refused: "notAdmin", detail: `${label} account ${user.account}` };
    return {
      principal: {
        role: "admin",
        // Administrators of the CRM have its links to recordings.
        listen: true,
        installation: install.name,
        name: user.name,
        signedInBy: crm,
      },
    };
  };

  return createWay<{ where?: string }>(
    crm,
    {
      label,
      async begin({ where }) {
        const urlOf = ({ state, challenge }: { state: string; challenge: string }): string => {
          const place = where === undefined ? {} : { where };
          const consent = { redirectUri, state, challenge, scopes, optionalScopes, ...place };
          try {
            return signIn.consentUrl(app, consent);
          } catch (error) {
            // The place was entered by the person who signs in.
            throw error instanceof GrantError ? new Rejected(400, error.message, { cause: error }) : error;
          }
        };
        return { kept: {}, urlOf };
      },
      finish,
    },
    parts,
  );
}
