import { crmIn, type Manifest } from "../manifest.ts";
import {
  callbacksOf,
  dataTable,
  jsonText,
  type ManifestCrm,
  needed,
  type Project,
  scopeTable,
} from "./project.ts";

/** Of HubSpot's developer platform: current since September 2026; a listing needs one that is supported. */
const platformVersion = "2026.09";
const maxConcurrentRequests = 10;

/** HubSpot's name of the contact object in a project. */
const contact = "contact";

/** The developer project of our HubSpot app, ready for `hs project upload`. */
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

/** We have no extension inside HubSpot's pages, so no URL needs permission there. */
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
        redirectUrls: callbacksOf(oauth).map((path) => publicUrl + path),
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

/** How to upload the project, and the tables that the listing needs. */
function hubspotReadme({ identity }: Manifest, crm: ManifestCrm, publicUrl: string): string {
  const oauth = needed(crm, "oauth");
  const { install } = oauth;
  const { path, subscriptions, properties, accountEvents } = needed(crm, "webhooks");
  return `# ${identity.name}: HubSpot developer project

Made by \`switchhook package hubspot\` from \`manifest.json\`. Change it there and run the command again; changes here are overwritten.
The way to a listing, step by step, is in \`docs/marketplace.md\` of ${identity.name}.

| File | What it says |
|---|---|
| \`hsproject.json\` | Name and platform version |
| \`src/app/app-hsmeta.json\` | The app: OAuth, scopes, redirect URL, support |
| \`src/app/webhooks/webhooks-hsmeta.json\` | The changes of contacts that HubSpot tells us of |

## Upload

In this folder. No part of its path may begin with a dot: the command would find no files.

\`\`\`bash
npm install --global @hubspot/cli
hs account auth
hs project validate
hs project upload
\`\`\`

Then copy the client id and the client secret from the app's *Auth* tab into the environment of the server; they belong in no file here.

| Setting | Value |
|---|---|
| Install URL | ${publicUrl}${install} |
| Redirect URLs | ${callbacksOf(oauth)
    .map((path) => publicUrl + path)
    .join(", ")} |
| Webhook target | ${publicUrl}${path} |

## Scopes

${scopeTable(crm)}

## Shared data

${dataTable(crm)}

## Webhooks

Of contacts: ${subscriptions.map(code).join(", ")}; property changes of ${properties.map(code).join(", ")}.
Of the account: ${accountEvents.map(code).join(", ")}.
`;
}

function code(text: string): string {
  return `\`${text}\``;
}
