import type { Manifest } from "../manifest.ts";
import { dataTable, type ManifestCrm, markdownTable, needed, scopeTable } from "./project.ts";

type Folders = { packaged: string; admin: string };

/** How to deploy the project, what to set by hand, and the tables for the review. */
export function salesforceReadme(
  { identity }: Manifest,
  crm: ManifestCrm,
  publicUrl: string,
  { packaged, admin }: Folders,
): string {
  const { callback, install } = needed(crm, "oauth");
  const { fields, permissionSets } = needed(crm, "package");
  const [first] = permissionSets;
  return `# ${identity.name}: Salesforce project

Made by \`switchhook package salesforce\` from \`manifest.json\`. Change it there and run the command again; changes here are overwritten.
The way to a listing, step by step, is in \`docs/marketplace.md\` of ${identity.name}.

| Folder | What is in it |
|---|---|
| \`${packaged}\` | What is packaged: fields of activities, permission sets, the External Client App |
| \`${admin}\` | The app's OAuth policies, which the admin of an org decides: never packaged |

## Into an org

\`\`\`bash
npm install --global @salesforce/cli
sf org login web --alias my-org
sf project deploy validate --source-dir ${packaged} --target-org my-org
sf project deploy start --source-dir ${packaged} --target-org my-org
sf org assign permset --name ${first?.name} --target-org my-org
sf project deploy start --source-dir ${admin} --target-org my-org
\`\`\`

Only fields and permissions, when you sign in with an app of your own:

\`\`\`bash
sf project deploy start --source-dir ${packaged}/main/default/objects --source-dir ${packaged}/main/default/permissionsets --target-org my-org
\`\`\`

## By hand, in the org that owns the app

Setup, External Client App Manager, ${identity.name}, Settings, OAuth. These lie in the app's global settings, with its key and secret. They are in no file here, and \`.gitignore\` and \`.forceignore\` keep it so.

| Setting | Value |
|---|---|
| Callback URL | ${publicUrl}${callback} |
| Require PKCE | on (cannot be turned off again) |
| Require secret for web server flow, for refresh token flow | on |
| Refresh token rotation | on |
| IP allowlist for refresh tokens | the server's outgoing addresses |

Users install from ${publicUrl}${install}.

## Fields

On *Activity*, so on tasks and events. The first is needed; the others are for your mapping.

${markdownTable(
  ["Field", "Type", "Mapping", "What it holds"],
  fields.map(({ name, type, key, from, about }) => [
    `\`${name}\``,
    key ? `${type} 255, unique external id` : type,
    key ? "none: written by itself" : `\`"${name}": { "from": "${from}" }\``,
    about,
  ]),
)}

## Permission sets

${markdownTable(
  ["Set", "Objects", "Also", "For whom"],
  permissionSets.map((set) => [
    `\`${set.name}\``,
    Object.entries(set.objects)
      .map(([object, rights]) => `${object}: ${rights.join(", ")}`)
      .join("; "),
    [...(set.fields ? ["the fields above"] : []), ...set.users.map((name) => `\`${name}\``)].join(", "),
    set.about,
  ]),
)}

A user sees the records that are shared with them. Where contacts, leads or accounts are private, share them with this user, or callers are not found.
A task belongs to the agent who talked. Unverified: to change it afterwards, and to take back a call that turned out to be part of another, the user stands above the agents in the role hierarchy.

## Scopes

${scopeTable(crm)}

## Data

${dataTable(crm)}
`;
}
