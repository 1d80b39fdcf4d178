import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { Contact } from "../../src/core/contact.ts";
import type { Connector } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { answerQuestion } from "../../src/flow/webhooks/answer.ts";
import {
  inboundCall,
  jsonRequest,
  scriptOf,
  send,
  sendAll,
  settledActivities,
  synced,
} from "../support/calls.ts";
import { writeCrm } from "../support/crm-files.ts";
import { type ServerOptions, startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
const folder = mkdtempSync(join(tmpdir(), "switchhook-mapping-"));
const mappingFile = join(folder, "mapping.json");
afterEach(() => server.stop());
afterAll(() => rmSync(folder, { recursive: true }));

async function start(options: ServerOptions = {}): Promise<void> {
  server = await startServer(options);
  await synced(server);
}

type Inbound = {
  override_agent_id?: string;
  dynamic_variables?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
  reject?: boolean;
};

/** Asks as Retell does; the question is about Asha unless it says otherwise. */
async function ask(question: object = {}, event = "call_inbound"): Promise<Record<string, Inbound>> {
  const about = { call_id: "call-1", from_number: "+919876543210", to_number: "+31201234567", ...question };
  const response = await send(server, "retell", jsonRequest({ event, [event]: about }));
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, Inbound>;
}

const agentFor = async (question: object = {}) => (await ask(question))["call_inbound"]?.override_agent_id;

function connector(): Connector {
  return server.parts.installations.get("acme")?.connector as Connector;
}

/** The default mapping of the local CRM with other rules. */
function writeMapping(answer: object, activity: object = {}): void {
  const mapping = JSON.parse(readFileSync(join(import.meta.dirname, "../../mappings/local.json"), "utf8"));
  const changed = {
    answer: { ...mapping.answer, ...answer },
    activity: { ...mapping.activity, ...activity },
  };
  const { $schema: _, ...rest } = mapping;
  writeFileSync(mappingFile, JSON.stringify({ ...rest, ...changed }, null, 2));
}

describe("a caller whom the index knows", () => {
  test("gets the agent of the contact's owner, and every variable is a text", async () => {
    await start();
    const { call_inbound } = await ask();
    expect(call_inbound).toMatchObject({
      override_agent_id: "agent_ravi",
      dynamic_variables: { customer_name: "Asha Rao", first_name: "Asha", known_caller: "true" },
      metadata: { contact_id: "1", owner_id: "11" },
    });
    for (const value of Object.values(call_inbound?.dynamic_variables ?? {}))
      expect(value).toBeTypeOf("string");
  });

  test("gets the default agent when the owner has none", async () => {
    await start({ settings: { agents: [] } });
    expect(await agentFor()).toBe("agent_front");
  });

  test("is answered without asking the CRM", async () => {
    await start();
    connector().findContacts = () => Promise.reject(new Error("asked"));
    expect(await agentFor()).toBe("agent_ravi");
  });

  test("is answered under chat_inbound when it is a chat", async () => {
    await start();
    const answer = await ask({ chat_id: "chat-1", call_id: undefined }, "chat_inbound");
    expect(Object.keys(answer)).toEqual(["chat_inbound"]);
    expect(answer["chat_inbound"]).toMatchObject({ dynamic_variables: { known_caller: "true" } });
  });
});

test("a caller who withholds the number gets the default agent, and nobody is looked up", async () => {
  await start({ contacts: [{ id: "1", name: "Nobody", phones: ["anonymous"] }] });
  connector().findContacts = () => Promise.reject(new Error("asked"));
  const { call_inbound } = await ask({ from_number: "anonymous" });
  expect(call_inbound).toMatchObject({
    override_agent_id: "agent_front",
    dynamic_variables: { known_caller: "false" },
  });
});

describe("the rules of the mapping", () => {
  const contacts = [
    { id: "1", name: "Asha", phones: ["+919876543210"], ownerId: "11", tier: "gold", blocked: false },
    { id: "2", name: "Spam", phones: ["+31612345678"], tier: "gold", blocked: true },
    { id: "3", name: "Piet", phones: ["+31501234567"], ownerId: "12", tier: "iron" },
  ];
  const rules = [
    { name: "blocked", if: { "contact.fields.blocked": true }, reject: true },
    { name: "gold", if: { "contact.fields.tier": "gold" }, agent: "agent_gold" },
    { name: "everybody gold again", if: { "contact.fields.tier": "gold" }, agent: "agent_never" },
  ];

  test("are tried in order: the first that holds wins, before the owner's agent", async () => {
    writeMapping({ rules });
    await start({ contacts, settings: { mapping: mappingFile } });
    expect(await agentFor({ call_id: "a" })).toBe("agent_gold");
    const rejected = await ask({ call_id: "b", from_number: "+31612345678" });
    expect(rejected["call_inbound"]).toMatchObject({ reject: true });
    expect(rejected["call_inbound"]).not.toHaveProperty("override_agent_id");
    expect(await agentFor({ call_id: "c", from_number: "+31501234567" })).toBe("agent_noor");
  });

  test("change for the next call when the file changes; a wrong file is reported and the old one stays", async () => {
    const said: string[] = [];
    const note = (_: object, sentence: string) => said.push(sentence);
    writeMapping({ rules: [] }, { team: "north" });
    await start({ contacts, settings: { mapping: mappingFile }, log: { info: note, error: note } });
    const logged = async (id: string, least: number) => {
      await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id })));
      const activities = await settledActivities(server, least);
      return activities.find(({ key }) => key === `acme:voys:${id}`);
    };
    expect(await agentFor({ call_id: "a" })).toBe("agent_ravi");
    expect(await logged("first", 1)).toMatchObject({ team: "north" });
    writeMapping({ rules }, { team: "south" });
    await waitFor("the change", () => said.some((line) => line.startsWith("mapping changed")));
    expect(await agentFor({ call_id: "b" })).toBe("agent_gold");
    expect(await logged("second", 2)).toMatchObject({ team: "south" });
    writeMapping({ rules: [] }, { team: { from: "call.nonsense" } });
    await waitFor("the fault", () => said.some((line) => line.startsWith("the changed mapping is wrong")));
    expect(await agentFor({ call_id: "c" })).toBe("agent_gold");
    expect(await logged("third", 3)).toMatchObject({ team: "south" });
  });
});

describe("a caller whom the index does not know", () => {
  const vera: Contact = { id: "9", kind: "contact", name: "Vera", phones: [], ownerId: "12", fields: {} };
  const unknown = { from_number: "+31687654321" };

  test("is looked up in the CRM", async () => {
    await start();
    connector().findContacts = async ([number = ""]) => new Map([[number, [{ ...vera, phones: [number] }]]]);
    expect(await agentFor(unknown)).toBe("agent_noor");
  });

  test.each<[string, Connector["findContacts"]]>([
    ["hangs", () => new Promise(() => {})],
    [
      "hangs until it is told to stop",
      (_, signal) =>
        new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
    ],
    ["is away", () => Promise.reject(new CrmError("later", "503"))],
    ["refuses", () => Promise.reject(new CrmError("never", "403"))],
    [
      "breaks at once",
      () => {
        throw new TypeError("undefined is not a function");
      },
    ],
    ["answers nonsense", () => Promise.resolve(undefined as never)],
  ])("gets the default agent when the CRM %s", async (_, findContacts) => {
    await start({ settings: { answerDeadlineMs: 400 } });
    connector().findContacts = findContacts;
    expect(await agentFor(unknown)).toBe("agent_front");
  });
});

describe("the same call asked twice", () => {
  function handOver(ownerId: string): Promise<unknown> {
    const file = server.crm();
    const contacts = file.contacts.map((contact) =>
      contact["id"] === "1" ? { ...contact, ownerId } : contact,
    );
    writeCrm(server.crmFile, { ...file, contacts });
    const { store } = server.parts.flow;
    return waitFor("the new owner", async () => {
      return (await store.contact("acme", { id: "1", kind: "contact" }))?.ownerId === ownerId;
    });
  }

  test("gets the same answer, though the contact has another owner by now, and after a restart", async () => {
    await start();
    const first = await ask();
    await waitFor("the answer", () => server.parts.flow.store.answer("acme", "retell", "call-1"));
    await handOver("12");
    expect(await ask()).toEqual(first);
    await server.restart();
    expect(await ask()).toEqual(first);
    expect(await agentFor({ call_id: "call-2" })).toBe("agent_noor");
  });

  test("at once is looked up once", async () => {
    await start();
    let asked = 0;
    connector().findContacts = async ([number = ""]) => {
      asked += 1;
      const ownerId = asked === 1 ? "12" : "11";
      await new Promise((pause) => setTimeout(pause, 100));
      return new Map([[number, [{ id: "9", kind: "contact", phones: [number], ownerId, fields: {} }]]]);
    };
    const question = { from_number: "+31687654321" };
    const answers = await Promise.all(Array.from({ length: 5 }, () => agentFor(question)));
    expect(answers).toEqual(Array(5).fill("agent_noor"));
    expect(asked).toBe(1);
  });

  test("without a call id is the same question for a minute", async () => {
    await start();
    const { flow, installations } = server.parts;
    const installation = installations.get("acme");
    const retell = installation?.providers["retell"];
    if (!installation || !retell) throw new Error("acme has no retell");
    const body = Buffer.from("the same bytes");
    const delivery = {
      installation: "acme",
      provider: "retell",
      method: "POST",
      url: "/",
      headers: {},
      body,
    };
    const asked = Date.now();
    const agentAfter = async (seconds: number) => {
      const now = asked + seconds * 1_000;
      const received = { ...delivery, receivedAt: new Date(now).toISOString() };
      const question = { kind: "call", from: "+919876543210" } as const;
      const later = { ...flow, now: () => now };
      return (
        await answerQuestion(later, installation, { configured: retell, question, body: received.body })
      ).agentId;
    };
    expect(await agentAfter(0)).toBe("agent_ravi");
    await handOver("12");
    expect(await agentAfter(59)).toBe("agent_ravi");
    expect(await agentAfter(61)).toBe("agent_noor");
  });
});
