import type { Route } from "../contract.ts";
import type { createAccess } from "./access.ts";
import { tokenOf } from "./access.ts";
import { authorizeRoutes } from "./authorize.ts";
import { type CrmRoute, toRoutes } from "./crm-route.ts";
import type { Grants } from "./grants.ts";
import type { Journal } from "./journal.ts";
import { oauthRoutes } from "./oauth.ts";
import type { AppPeople } from "./options.ts";
import { invalid, refuse } from "./refusals.ts";
import type { HubspotApp } from "./types.ts";

/** All that only an app has: consent, tokens, its uninstall and its journal. */
export function appRoutes(parts: {
  app: HubspotApp;
  portalId: number;
  grants: Grants;
  journal: Journal;
  access: ReturnType<typeof createAccess>;
  now: () => number;
  url: () => string;
}): Route[] {
  const { app, portalId, grants, journal, access, now, url } = parts;
  const routes = [uninstallRoute(grants), ...journal.routes(app, url)];
  return [
    ...authorizeRoutes(app, portalId, grants),
    ...oauthRoutes(app, portalId, grants, now),
    ...routes.flatMap((route) => toRoutes(route, false, access.authorize)),
    journal.fileRoute(),
  ];
}

/** What an admin does with the app, without its API. */
export function appPeople(app: HubspotApp | undefined, grants: Grants): AppPeople {
  return {
    install(scopes) {
      const { requiredScopes, optionalScopes } = present();
      return grants.installFor(scopes ?? [...requiredScopes, ...optionalScopes]);
    },
    uninstall: grants.uninstall,
    revoke() {
      present();
      grants.revokeAll();
    },
  };

  function present(): HubspotApp {
    if (!app) throw new Error("the emulator was started without an app");
    return app;
  }
}

/** unverified: which scope it needs, and how tokens that belong to no install are refused. */
function uninstallRoute(grants: Grants): CrmRoute {
  return {
    method: "DELETE",
    area: "appinstalls",
    rest: "/external-install",
    kind: "uninstall",
    scopes: () => [],
    handle(request) {
      if (!grants.find(tokenOf(request))?.install) {
        throw refuse(invalid("The token does not belong to an installed app."));
      }
      grants.uninstall();
      return { status: 204 };
    },
  };
}
