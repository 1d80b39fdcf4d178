import { expect } from "vitest";
import { providers } from "../../src/providers/index.ts";

/** The settings of an installation that `ask` asks. */
export const retell = { apiKey: "retell-secret" };

/** A question of an AI agent about a caller, as Retell signs it. Resolves with the answer. */
export async function ask(
  url: string,
  { name, id, from }: { name: string; id: string; from: string },
): Promise<string> {
  const body = Buffer.from(
    JSON.stringify({
      event: "call_inbound",
      event_timestamp: Date.now(),
      call_inbound: { call_id: id, agent_id: "agent_front", from_number: from, to_number: "+31201234567" },
    }),
  );
  const request = {
    afterSeconds: 0,
    method: "POST" as const,
    query: "",
    headers: { "content-type": "application/json" },
    body,
  };
  const { simulate } = providers["retell"] ?? {};
  const signed = simulate?.sign(request, { apiKey: [retell.apiKey] } as never, { now: Date.now(), url });
  const response = await fetch(`${url}/webhooks/${name}/retell`, {
    method: "POST",
    headers: signed?.headers ?? {},
    body,
  });
  expect(response.status).toBe(200);
  return response.text();
}
