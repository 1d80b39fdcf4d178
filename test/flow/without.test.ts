import { startHubspot } from "@switchhook/emulators/hubspot";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { explainCall } from "../../src/flow/explain/explain.ts";
import { explainText } from "../../src/flow/explain/text.ts";
import { inboundCall, scriptOf, sendAll } from "../support/calls.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
afterEach(() => server.stop());

const key = "acme:voys:call-1";

test("what a call was logged without is said, and tried again at its next save", async () => {
  const hubspot = await startHubspot({ limits: false });
  onTestFinished(() => hubspot.stop());
  const [left = "", desk = ""] = ["left", "desk"].map((name) =>
    hubspot.people.addOwner({ email: `${name}@example.com` }),
  );
  const id = hubspot.people.addContact({ firstname: "Asha", phone: "+919876543210", hubspot_owner_id: left });
  const crm = { type: "hubspot", token: hubspot.token, apiUrl: hubspot.url };
  server = await startServer({ settings: { crm, agents: [], defaultOwner: desk, unknownCallers: "always" } });
  const { store } = server.parts.flow;
  await waitFor("the owners", async () => (await store.owners("acme")).length === 2);
  // HubSpot knows before we do that this owner has left, and does not let us associate the contact just now.
  hubspot.people.archiveOwner(left);
  const body = {
    status: "error",
    category: "VALIDATION_ERROR",
    message: "The limit of associations is reached",
  };
  const mend = hubspot.faults.add({ type: "status", status: 400, body, match: "associate" });
  await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id: "call-1" })));
  await waitFor("the call", async () => (await store.call(key))?.row.state === "logged");

  const explanation = await explainCall(store, key);
  expect(explanation?.status).toMatch(
    /^logged as activity \d+ .*\(without the owner \d+, so the default owner has it/,
  );
  expect(explanation?.status).toMatch(new RegExp(`its contact ${id}: .*limit of associations`));
  if (explanation) expect(explainText(explanation)).toMatch(/without the owner/);
  const [call] = hubspot.people.calls();
  expect(call?.properties["hubspot_owner_id"]).toBe(desk);
  expect(call?.associations["contacts"] ?? []).toEqual([]);

  mend();
  await fetch(`${server.url}/api/calls/${encodeURIComponent(key)}/retry`, { method: "POST" });
  await waitFor("its contact", () => hubspot.people.calls()[0]?.associations["contacts"]?.includes(id));
  expect(hubspot.people.calls()).toHaveLength(1);
});
