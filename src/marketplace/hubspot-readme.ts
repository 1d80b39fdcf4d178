import type { Manifest } from "../manifest.ts";
import { dataTable, scopeTable } from "./markdown.ts";
import { type ManifestCrm, needed } from "./project.ts";

/** How to upload the project, and the tables that the listing asks for. */
export function hubspotReadme({ identity }: Manifest, crm: ManifestCrm, publicUrl: string): string {
  const { callback, install } = needed(crm, "oauth");
  const { path, subscriptions, properties, accountEvents } = needed(crm, "webhooks");
  return `# ${identity.name}: HubSpot developer project

Made by \`switchhook package hubspot\` from \`manifest.json\`. Change it there and make it anew; what is changed here is overwritten.
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
| Redirect URL | ${publicUrl}${callback} |
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
