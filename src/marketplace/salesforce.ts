import { crmIn, type Manifest } from "../manifest.ts";
import { jsonText } from "./formats.ts";
import { needed, type Project } from "./project.ts";
import { appFiles, fieldFile, permissionSetFile, policyFile } from "./salesforce-metadata.ts";
import { salesforceReadme } from "./salesforce-readme.ts";

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
