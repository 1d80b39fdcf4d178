import { startHubspot } from "@switchhook/emulators/hubspot";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
afterEach(() => server.stop());

type Fault = { at: string; problem: string; cure?: string };
type Field = { name: string; type: string; writable: boolean; options?: string[] };
type Shown = { key: string; changes: { field: string }[]; unchanged?: { field: string; value: unknown }[] };

async function get<T>(path: string): Promise<T> {
  const response = await fetch(`${server.url}/api/installations/acme/${path}`);
  return { status: response.status, ...((await response.json()) as T) };
}

async function preview(mapping: object, query = "") {
  const response = await fetch(`${server.url}/api/installations/acme/mapping?preview=1${query}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(mapping),
  });
  return {
    status: response.status,
    ...((await response.json()) as { calls: Shown[]; warnings?: Fault[]; error?: string }),
  };
}

test("the vocabulary has every path with its type, sentence and values, and the words of Liquid", async () => {
  server = await startServer();
  const words = await get<{
    paths: { path: string; type: string; about: string; values?: string[] }[];
    open: { path: string }[];
    filters: string[];
    tags: string[];
  }>("mapping/vocabulary");
  expect(words.paths).toContainEqual({
    path: "call.duration.ms",
    type: "number",
    about: "Talk time in milliseconds",
  });
  expect(words.paths.find(({ path }) => path === "call.direction")?.values).toContain("inbound");
  expect(words.open.map(({ path }) => path)).toEqual(["call.custom", "contact.fields"]);
  expect(words.filters).toContain("default");
  expect(words.filters).not.toContain("where_exp");
  expect(words.tags).toContain("if");
});

test("a CRM that takes any field says so, and gives no warnings", async () => {
  server = await startServer();
  expect(await get("fields")).toMatchObject({ status: 200, any: true, activity: [] });
  const { warnings } = await preview({ crm: "local", activity: { whatever: "x" } });
  expect(warnings).toBeUndefined();
});

test("the fields of the CRM have types and options, and a preview warns of what it does not take", async () => {
  const hubspot = await startHubspot({ region: "NL", limits: false });
  onTestFinished(() => hubspot.stop());
  hubspot.faults.add({ type: "status", status: 503, text: "away" });
  server = await startServer({
    settings: { crm: { type: "hubspot", token: hubspot.token, apiUrl: hubspot.url } },
  });
  expect(await get<{ error: string }>("fields")).toMatchObject({
    status: 503,
    error: expect.stringContaining("hubspot does not tell its fields now"),
  });
  hubspot.faults.clear();
  const { activity } = await get<{ activity: Field[] }>("fields");
  const direction = activity.find(({ name }) => name === "hs_call_direction");
  expect(direction).toMatchObject({ type: "picklist", writable: true });
  expect(direction?.options).toContain("INBOUND");
  const wrong = {
    crm: "hubspot",
    activity: {
      hs_call_direction: { from: "call.direction", map: { inbound: "INBOUNT" } },
      hs_call_titel: "x",
      hs_object_id: "1",
      hs_call_duration: { from: "call.title" },
    },
  };
  const { warnings } = await preview(wrong);
  expect(warnings).toEqual([
    expect.objectContaining({
      at: expect.stringContaining("activity.hs_call_direction.map.inbound"),
      cure: "Did you mean Inbound?",
    }),
    expect.objectContaining({ cure: "Did you mean hs_call_title?" }),
    expect.objectContaining({ problem: expect.stringContaining("does not let us write hs_object_id") }),
    expect.objectContaining({ at: expect.stringContaining("activity.hs_call_duration.from") }),
  ]);
  hubspot.faults.add({ type: "status", status: 503, text: "away" });
  expect(await get("fields")).toMatchObject({ status: 200 });
  expect((await preview(wrong)).warnings).toHaveLength(4);
});

test("a preview of one call shows what stays as it is as well, and is of this installation only", async () => {
  server = await startServer();
  for (const id of ["one", "two"])
    await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id })));
  await settledActivities(server, 2);
  const mapping = { crm: "local", activity: { type: "call", subject: "x" } };
  const { calls } = await preview(mapping, "&call=acme:voys:one&unchanged=1");
  expect(calls.map(({ key }) => key)).toEqual(["acme:voys:one"]);
  expect(calls[0]?.unchanged).toContainEqual({ field: "type", value: "call" });
  expect(calls[0]?.changes.map(({ field }) => field)).toContain("subject");
  expect((await preview(mapping)).calls[0]).not.toHaveProperty("unchanged");
  expect((await preview(mapping, "&call=acme:voys:three")).status).toBe(404);
});
