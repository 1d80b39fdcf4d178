import { crmIn, type Manifest } from "../manifest.ts";
import {
  callbacksOf,
  dataTable,
  jsonText,
  type ManifestCrm,
  markdownTable,
  metadataXml,
  needed,
  type Project,
  scopesOf,
  scopeTable,
} from "./project.ts";

/** Spring '26: every org has it. */
const sourceApiVersion = "66.0";
/** The folder of the package. */
const packaged = "force-app";
/** The folder of policies, which an org's admin decides and no package may contain. */
const admin = "admin-policies";

/** Files that contain the consumer key and secret once they are retrieved. */
const secretFiles = ["**/extlClntAppGlobalOauthSets/", "**/*.ecaGlblOauth-meta.xml"];

/** The SFDX project with our fields, permissions and External Client App, ready for `sf project deploy start`. */
export function salesforceProject(manifest: Manifest, publicUrl: string): Project {
  const crm = crmIn(manifest, "salesforce");
  const { fields, permissionSets } = needed(crm, "package");
  const within = (folder: string) => (file: readonly [string, string]) =>
    [`${folder}/main/default/${file[0]}`, file[1]] as const;
  const inPackage = [
    ...fields.map(fieldFile),
    ...permissionSets.map((set) => permissionSetFile(set, fields)),
    ...appFiles(manifest, crm),
  ];
  return new Map([
    ["sfdx-project.json", jsonText(sfdxProject(manifest))],
    [".forceignore", ignoring([...secretFiles, "**/.*", "package.xml"])],
    [".gitignore", ignoring([...secretFiles, ".sf/", ".sfdx/", "CodeAnalyzerReport.html"])],
    ["README.md", salesforceReadme(manifest, crm, publicUrl, { packaged, admin })],
    ...inPackage.map(within(packaged)),
    ...[policyFile(manifest, crm)].map(within(admin)),
  ]);
}

function sfdxProject(manifest: Manifest) {
  const { identity } = manifest;
  const { namespace, packageAliases } = needed(crmIn(manifest, "salesforce"), "package");
  const directory = {
    path: packaged,
    default: true,
    package: identity.name,
    versionName: identity.version,
    versionNumber: `${identity.version.replace(/[-+].*$/, "")}.NEXT`,
  };
  return {
    packageDirectories: [directory, { path: admin }],
    name: identity.id,
    namespace,
    sfdcLoginUrl: "https://login.salesforce.com",
    sourceApiVersion,
    packageAliases,
  };
}

function ignoring(patterns: readonly string[]): string {
  return `# The consumer key and secret never leave the org.\n${patterns.join("\n")}\n`;
}

/** OAuth scopes as the Metadata API calls them. */
const metadataScopes: Readonly<Record<string, string>> = {
  api: "Api",
  refresh_token: "RefreshToken",
  openid: "OpenID",
  id: "Basic",
  web: "Web",
};

/** An unused refresh token expires after this time, the longest that Salesforce allows partners. */
const idleDays = 30;

/** The External Client App and its OAuth settings. Callback URL, key and secret are in the org's global settings only. */
function appFiles(manifest: Manifest, crm: ManifestCrm): [path: string, text: string][] {
  const { identity } = manifest;
  const { orgScopedExternalApp, oauthLink } = needed(crm, "package");
  const app = metadataXml("ExternalClientApplication", {
    contactEmail: identity.support.email,
    description: identity.description,
    distributionState: "Packageable",
    isProtected: false,
    label: identity.name,
    orgScopedExternalApp,
  });
  const oauth = metadataXml("ExtlClntAppOauthSettings", {
    commaSeparatedOauthScopes: scopesOf(needed(crm, "oauth")).map(metadataScope).join(", "),
    externalClientApplication: identity.name,
    label: `${identity.name} OAuth settings`,
    oauthLink,
  });
  return [
    [`externalClientApps/${identity.name}.eca-meta.xml`, app],
    [`extlClntAppOauthSettings/${identity.name}_oauth.ecaOauth-meta.xml`, oauth],
  ];
}

/**
 * Only users with our permission set, and tokens expire when unused. Unverified: the name with `_oauthPlcy`, which the
 * org itself uses for the policies it creates with the app.
 */
function policyFile(manifest: Manifest, crm: ManifestCrm): [path: string, text: string] {
  const { name } = manifest.identity;
  const [permissionSet] = needed(crm, "package").permissionSets;
  const text = metadataXml("ExtlClntAppOauthConfigurablePolicies", {
    commaSeparatedPermissionSet: permissionSet?.name,
    externalClientApplication: name,
    ipRelaxationPolicyType: "Enforce",
    isClientCredentialsFlowEnabled: false,
    isGuestCodeCredFlowEnabled: false,
    isTokenExchangeFlowEnabled: false,
    label: `${name} OAuth policies`,
    permittedUsersPolicyType: "AdminApprovedPreAuthorized",
    refreshTokenPolicyType: "SpecificInactivity",
    refreshTokenValidityPeriod: idleDays,
    refreshTokenValidityUnit: "Days",
    requiredSessionLevel: "STANDARD",
  });
  return [`extlClntAppOauthPolicies/${name}_oauthPlcy.ecaOauthPlcy-meta.xml`, text];
}

function metadataScope(scope: string): string {
  const name = metadataScopes[scope];
  if (name) return name;
  throw new Error(`manifest.json: the Metadata API has no name for the OAuth scope ${scope}`);
}

type OrgPackage = NonNullable<ManifestCrm["package"]>;
type PackageField = OrgPackage["fields"][number];
type PermissionSet = OrgPackage["permissionSets"][number];

/** Task fields belong to Activity: deployed under Task they are refused. */
function fieldFile({ name, label, type, key, about }: PackageField): [path: string, text: string] {
  const text = metadataXml("CustomField", {
    fullName: name,
    ...(key && { caseSensitive: true }),
    description: about,
    ...(key && { externalId: true }),
    inlineHelpText: about,
    label,
    ...(type === "Text" && { length: 255 }),
    required: false,
    type,
    ...(key && { unique: true }),
  });
  return [`objects/Activity/fields/${name}.field-meta.xml`, text];
}

/**
 * A field without permission is invisible to the API. Task and Event share that permission, and a file that names only
 * one of them removes it from both. Tasks have no object permission: `EditTask` grants access to them.
 */
function permissionSetFile(
  set: PermissionSet,
  fields: readonly PackageField[],
): [path: string, text: string] {
  const opened = set.fields ? fields.flatMap(({ name }) => [`Event.${name}`, `Task.${name}`]).sort() : [];
  const text = metadataXml("PermissionSet", {
    description: set.about,
    fieldPermissions: opened.map((field) => ({ editable: true, field, readable: true })),
    hasActivationRequired: false,
    label: set.label,
    objectPermissions: Object.entries(set.objects).map(([object, rights]) => ({
      allowCreate: rights.includes("create"),
      allowDelete: rights.includes("delete"),
      allowEdit: rights.includes("edit"),
      allowRead: rights.includes("read"),
      modifyAllRecords: false,
      object,
      viewAllRecords: false,
    })),
    userPermissions: set.users.map((name) => ({ enabled: true, name })),
  });
  return [`permissionsets/${set.name}.permissionset-meta.xml`, text];
}

type Folders = { packaged: string; admin: string };

/** How to deploy the project, what to set by hand, and the tables for the review. */
function salesforceReadme(
  { identity }: Manifest,
  crm: ManifestCrm,
  publicUrl: string,
  { packaged, admin }: Folders,
): string {
  const oauth = needed(crm, "oauth");
  const { install } = oauth;
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
| Callback URLs | ${callbacksOf(oauth)
    .map((path) => publicUrl + path)
    .join(", ")} |
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
