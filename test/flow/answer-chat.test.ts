import { afterEach, describe, expect, test } from "vitest";
import { jsonRequest, send, synced } from "../support/calls.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
afterEach(() => server.stop());

async function start(retell: object): Promise<void> {
  server = await startServer({
    settings: { providers: { retell: { apiKey: "retell-secret", defaultAgent: "agent_front", ...retell } } },
  });
  await synced(server);
}

/** Asks about a text message; Asha is known and has an owner with a voice agent. */
async function ask(from_number = "+919876543210"): Promise<Record<string, unknown>> {
  const chat_inbound = { chat_id: `chat-${from_number}`, from_number, to_number: "+31201234567" };
  const response = await send(server, "retell", jsonRequest({ event: "chat_inbound", chat_inbound }));
  expect(response.status).toBe(200);
  return ((await response.json()) as { chat_inbound: Record<string, unknown> }).chat_inbound;
}

describe("a text message", () => {
  test.each(["+919876543210", "+31699999999"])(
    "of %s gets no voice agent: neither the owner's nor the default",
    async (from) => {
      await start({});
      expect(await ask(from)).not.toHaveProperty("override_agent_id");
    },
  );

  test.each(["+919876543210", "+31699999999", "anonymous"])("of %s gets the chat agent", async (from) => {
    await start({ chatAgent: "agent_chat" });
    expect(await ask(from)).toMatchObject({ override_agent_id: "agent_chat" });
  });

  test("gets it also when the CRM cannot be asked", async () => {
    await start({ chatAgent: "agent_chat" });
    server.parts.flow.store.contactsByNumber = () => Promise.reject(new Error("the disk failed"));
    expect(await ask()).toMatchObject({ override_agent_id: "agent_chat" });
  });
});
