import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll } from "vitest";
import { schemas } from "./hubspot-schemas.ts";
import { requireOf } from "./written.ts";

/** `components`: the path of each by its uid. `skipped`: files that are never uploaded. `faults`: why it would be refused. */
export type Looked = { components: Record<string, string>; skipped: string[]; faults: string[] };

type Request = { baseURL?: string };
type HttpClient = { interceptors: { request: { use(change: (request: Request) => Request): void } } };

const accountId = 1;

/**
 * The library that `hs project validate` uses. Of HubSpot it asks the schemas of components, for an account: a server of
 * the test gives it ours, and its account is in the environment instead of a file in the home folder.
 */
export async function openHubspotCli(home: string) {
  const asked: string[] = [];
  Object.assign(process.env, {
    ...{ HOME: home, USE_ENVIRONMENT_HUBSPOT_CONFIG: "true", ALLOW_USAGE_TRACKING: "false" },
    ...{ HUBSPOT_ACCOUNT_ID: String(accountId), HUBSPOT_API_KEY: "of-nobody" },
  });
  const { parseProjectConfig } = await import("@hubspot/project-parsing-lib/projects");
  const { translate, isTranslationError } = await import("@hubspot/project-parsing-lib/translate");
  const client = requireOf("@hubspot/project-parsing-lib/translate").resolve(
    "@hubspot/local-dev-lib/http/client",
  );
  const { httpClient } = (await import(pathToFileURL(client).href)) as { httpClient: HttpClient };
  const url = await startSchemas(asked);
  httpClient.interceptors.request.use((request) => ({ ...request, baseURL: url }));

  const look = async (folder: string): Promise<Looked> => {
    const looked: Looked = { components: {}, skipped: [], faults: [] };
    try {
      const { srcDir, platformVersion } = parseProjectConfig(folder);
      const context = { projectSourceDir: join(folder, srcDir), platformVersion, accountId };
      const { intermediateRepresentation, skippedHsMetaFiles } = await translate(context);
      const nodes = Object.values(intermediateRepresentation.intermediateNodesIndexedByUid);
      looked.components = Object.fromEntries(nodes.map(({ uid, metaFilePath }) => [uid, metaFilePath]));
      looked.skipped = skippedHsMetaFiles;
    } catch (error) {
      const text = isTranslationError(error) ? error.toString(false) : String(error);
      // Each file with its faults below it.
      looked.faults = text.split("\n\n").map((one) => one.replaceAll(/\s+/g, " "));
    }
    return looked;
  };
  return { look, asked: () => [...asked] };
}

/** Where HubSpot's API would be. */
async function startSchemas(asked: string[]): Promise<string> {
  const server = createServer(({ method, url }, response) => {
    asked.push(`${method} ${url}`);
    response.setHeader("content-type", "application/json").end(JSON.stringify(schemas));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
