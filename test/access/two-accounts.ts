import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { browserAt, token } from "./browsers.ts";

export type Visitor = ReturnType<typeof browserAt>;

/** An operation of the API. `needs`: the rights that its description names; none of an open one. */
export type Operation = {
  method: string;
  path: string;
  isOpen: boolean;
  needs: string[];
  query: string[];
};

export const customer = "+31612345678";

/** A server with two installations, `acme`, which has a call, and `globex`, and people of each. */
export async function startTwoAccounts(now: () => number = Date.now) {
  const crm = { type: "local", file: "globex.json" };
  const globex = { crm, region: "NL", reconcile: false, providers: { voys: { secret: "globex-secret" } } };
  const server = await startServer({
    settings: { recording: "link" },
    also: { globex },
    environment: { SWITCHHOOK_ADMIN_TOKEN: token },
    now,
  });
  writeFileSync(join(server.folder, "globex.json"), '{"contacts":[],"owners":[],"activities":[]}');
  const call = inboundCall("retell", { id: "one", customer });
  await sendAll(server, "retell", scriptOf(server, "retell", call));
  await settledActivities(server);

  const operator = browserAt(server);
  await operator.post("/login", { token });
  const invite = async (installation: string, role: string, listen = false): Promise<Visitor> => {
    const answer = await operator.postJson("/api/links", {
      installation,
      role,
      listen,
      name: `${role} of ${installation}`,
    });
    const { url } = (await answer.json()) as { url: string };
    const browser = browserAt(server);
    await browser.post("/login/link", { token: new URL(url).searchParams.get("token") ?? "" });
    return browser;
  };

  return { server, operator, invite, operations: await operationsOf(operator) };
}

async function operationsOf(operator: Visitor): Promise<Operation[]> {
  type Described = {
    security: object[];
    parameters: { name: string; in: string }[];
    responses: Record<string, { description?: string }>;
  };
  const { paths } = (await (await operator.get("/api/openapi.json")).json()) as {
    paths: Record<string, Record<string, Described>>;
  };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security, parameters, responses }]) => ({
      method: method.toUpperCase(),
      path,
      isOpen: security.length === 0,
      needs: [...(responses["403"]?.description ?? "").matchAll(/`(\w+)`/g)].map(([, right = ""]) => right),
      query: parameters.filter((one) => one.in === "query").map(({ name }) => name),
    })),
  );
}

export const callKey = "acme:retell:one";

/** What stands in a path for an object of `acme`: a new route with an object of its own needs one here. */
export async function objectsOfAcme({ parts }: TestServer, operator: Visitor) {
  const { items } = (await (await operator.get("/api/sessions")).json()) as {
    items: { id: string; installation?: string }[];
  };
  const session = items.find(({ installation }) => installation === "acme")?.id ?? "";
  const [delivery] = await parts.flow.store.deliveriesOf((await parts.flow.store.call(callKey))?.row.id ?? 0);
  const retry = (await (await operator.postJson("/api/retries", { installation: "acme" })).json()) as {
    id: string;
  };
  const { store } = parts.flow;
  const [version] = await store.mappingVersions("acme");
  // It is the text in use, so restoring it changes nothing.
  const text = parts.mappings.get("acme")?.text() ?? "";
  if (!version)
    await store.addMappingVersions("acme", 0, {
      versions: [{ at: parts.flow.now(), text }],
      isShared: false,
    });
  const objects: Record<string, string> = {
    "{name}": "acme",
    "{key}": callKey,
    "{provider}": "voys",
    "sessions/{id}": `sessions/${session}`,
    "deliveries/{id}": `deliveries/${delivery?.id}`,
    "retries/{id}": `retries/${retry.id}`,
    "{group}": "0123456789ab",
    "{number}": "1",
  };
  return (path: string): string => {
    const filled = Object.entries(objects).reduce((text, [from, to]) => text.replace(from, to), path);
    if (filled.includes("{")) throw new Error(`test/access/two-accounts.ts has no object for ${path}`);
    return filled;
  };
}
