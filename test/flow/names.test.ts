import { expect, test } from "vitest";
import type { Agent } from "../../src/core/call.ts";
import { namesOf, whyTalked } from "../../src/flow/calls/agent-names.ts";

const directory = [
  { email: "ben@acme.example", name: "Ben Carter", retell: "agent_ben" },
  { email: "asha@acme.example", voys: ["201"] },
];
const settings = { agents: directory, region: "NL" };
const owners = [{ id: "1", name: "Asha Rao", email: "Asha@acme.example" }];
const bot: Agent = {
  ids: ["agent_ben"],
  name: "Reception bot",
  kind: "ai",
  talkedAt: "2026-11-20T10:00:00.000Z",
};
const asha: Agent = { ids: ["201"], name: "extension", talkedAt: "2026-11-20T10:00:00.000Z" };
const cees: Agent = { ids: ["203"], name: "Cees Bakker", talkedAt: "2026-11-20T10:05:00.000Z" };

const names = (provider: string, agents: Agent[]) =>
  namesOf(settings, owners, { provider, agents }).map(({ name }) => name);

test("a person is called as the directory or the CRM has it, an AI agent by its own name", () => {
  expect(names("retell", [bot])).toEqual(["Reception bot"]);
  expect(names("voys", [asha, cees])).toEqual(["Asha Rao", "Cees Bakker"]);
});

test("explain does not say that a person talked whose AI agent did, or who was not the last", () => {
  expect(whyTalked(settings, { provider: "retell", agents: [bot] }, "ben@acme.example")).toBe(
    "has the AI agent that talked with the customer (ben@acme.example)",
  );
  expect(whyTalked(settings, { provider: "voys", agents: [asha, cees] }, "asha@acme.example")).toBe(
    "is the last one in the directory who talked with the customer (asha@acme.example); Cees Bakker, who talked last, is not in it",
  );
  expect(whyTalked(settings, { provider: "voys", agents: [asha] }, "asha@acme.example")).toBe(
    "talked last with the customer (asha@acme.example)",
  );
});
