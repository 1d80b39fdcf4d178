import type { Manifest } from "../manifest.ts";
import { metadataXml } from "./formats.ts";
import { type ManifestCrm, needed } from "./project.ts";

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
export function appFiles(manifest: Manifest, crm: ManifestCrm): [path: string, text: string][] {
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
    commaSeparatedOauthScopes: needed(crm, "oauth").scopes.map(metadataScope).join(", "),
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
export function policyFile(manifest: Manifest, crm: ManifestCrm): [path: string, text: string] {
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
export function fieldFile({ name, label, type, key, about }: PackageField): [path: string, text: string] {
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
export function permissionSetFile(
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
