import { crmIn, type Manifest } from "../manifest.ts";
import { hubspotReadme } from "./hubspot-readme.ts";
import { jsonText } from "./json.ts";
import { type ManifestCrm, needed, type Project } from "./project.ts";

/** Of HubSpot's developer platform: current since September 2026; a listing needs one that is supported. */
const platformVersion = "2026.09";
const maxConcurrentRequests = 10;

/** HubSpot's own name of a contact in a project. */
const contact = "contact";

/** The developer project that makes our app in HubSpot: `hs project upload` takes it as it is. */
export function hubspotProject(manifest: Manifest, publicUrl: string): Project {
  const crm = crmIn(manifest, "hubspot");
  const { identity } = manifest;
  return new Map([
    ["hsproject.json", jsonText({ name: identity.id, srcDir: "src", platformVersion })],
    ["src/app/app-hsmeta.json", jsonText(app(manifest, crm, publicUrl))],
    ["src/app/webhooks/webhooks-hsmeta.json", jsonText(webhooks(identity.id, crm, publicUrl))],
    ["README.md", hubspotReadme(manifest, crm, publicUrl)],
  ]);
}

/** Nothing of ours runs inside HubSpot's pages, so no URL is permitted to be fetched or shown there. */
function app({ identity }: Manifest, crm: ManifestCrm, publicUrl: string) {
  const oauth = needed(crm, "oauth");
  const { email, website, setupGuide, phone } = identity.support;
  return {
    uid: `${identity.id}_app`,
    type: "app",
    config: {
      name: identity.name,
      description: identity.description,
      distribution: "marketplace",
      auth: {
        type: "oauth",
        redirectUrls: [publicUrl + oauth.callback],
        requiredScopes: oauth.scopes,
        optionalScopes: oauth.optionalScopes,
        conditionallyRequiredScopes: [],
      },
      permittedUrls: { fetch: [], iframe: [], img: [] },
      support: {
        supportEmail: email,
        documentationUrl: setupGuide,
        supportUrl: website,
        supportPhone: phone,
      },
    },
  };
}

function webhooks(id: string, crm: ManifestCrm, publicUrl: string) {
  const { path, subscriptions, properties, accountEvents } = needed(crm, "webhooks");
  return {
    uid: `${id}_webhooks`,
    type: "webhooks",
    config: {
      settings: { targetUrl: publicUrl + path, maxConcurrentRequests },
      subscriptions: {
        crmObjects: subscriptions.flatMap((subscriptionType) => {
          const subscription = { subscriptionType, objectType: contact, active: true };
          if (subscriptionType !== "object.propertyChange") return [subscription];
          return properties.map((propertyName) => ({
            subscriptionType,
            objectType: contact,
            propertyName,
            active: true,
          }));
        }),
        legacyCrmObjects: [],
        hubEvents: accountEvents.map((subscriptionType) => ({ subscriptionType, active: true })),
      },
    },
  };
}
