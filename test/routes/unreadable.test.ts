import { expect, test } from "vitest";
import type { Provider } from "../../src/core/provider.ts";
import { startServer, waitFor } from "../support/server.ts";

test("a webhook that our code cannot read is stored and listed, and the provider need not send it again", async () => {
  const errors: string[] = [];
  const server = await startServer({ log: { error: (_, sentence) => errors.push(sentence) } });
  const voys = server.parts.installations.get("acme")?.providers["voys"];
  const { provider } = voys as { provider: Provider };
  Object.assign(voys as object, {
    provider: {
      ...provider,
      read() {
        throw new TypeError("x is undefined");
      },
    },
  });
  const body = JSON.stringify({ call_id: "c", status: "ringing" });
  const response = await fetch(`${server.url}/webhooks/acme/voys?key=voys-secret`, { method: "POST", body });
  expect(response.status).toBe(200);
  expect(errors).toEqual([expect.stringContaining("could not be read; it is stored")]);
  const stored = () => server.parts.flow.store.deliveriesIn({}, 0, 10);
  await waitFor("the webhook in the store", async () => (await stored()).length === 1);
  await server.stop();
});
