import { afterEach, beforeEach, expect, test } from "vitest";
import type { Contact } from "../../src/core/contact.ts";
import type { Connector } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { applyContactEvents, receiveContactEvents } from "../../src/flow/contacts/contact-events.ts";
import { syncContacts } from "../../src/flow/contacts/sync.ts";
import type { Installation } from "../../src/flow/installation.ts";
import { synced } from "../support/calls.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer({ contacts: [] });
  await synced(server);
});
afterEach(() => server.stop());

const flow = () => server.parts.flow;
const named = (name: string): Contact => ({ id: "9", kind: "contact", name, phones: [], fields: {} });
const stored = async () => (await flow().store.contact("acme", { kind: "contact", id: "9" }))?.name;
const waiting = () => flow().store.dueContactChanges("acme", Date.now(), 10);

/** An installation whose CRM answers otherwise. */
function withCrm(connector: Partial<Connector>): Installation {
  const installation = server.parts.installations.get("acme");
  if (!installation) throw new Error("no acme");
  return { ...installation, connector: { ...installation.connector, ...connector } };
}

function receive(changed: string[], removed: string[] = []): Promise<void> {
  const refs = removed.map((id) => ({ kind: "contact" as const, id }));
  return receiveContactEvents(flow(), "acme", undefined, { changed, removed: refs, erased: [] });
}

test.each([
  ["a contact that changed after a sync read it is as it was read last", ["9"], [], "new"],
  ["a contact that was removed after a sync read it stays away", [], ["9"], undefined],
])("%s", async (_, changed, removed, expected) => {
  const hasRead = Promise.withResolvers<void>();
  const mayAnswer = Promise.withResolvers<void>();
  const installation = withCrm({
    changedContacts: async () => {
      hasRead.resolve();
      await mayAnswer.promise;
      return { contacts: [named("old")], removed: [], cursor: "later", more: false };
    },
    contactsById: async () => ({ contacts: [named("new")], gone: [] }),
  });
  const syncing = syncContacts(flow(), installation);
  await hasRead.promise;
  await receive(changed, removed);
  const applying = applyContactEvents(flow(), installation);
  setTimeout(mayAnswer.resolve, 100);
  await Promise.all([syncing, applying]);
  expect(await stored()).toBe(expected);
  expect(await waiting()).toEqual([]);
});

test("a change waits until the CRM answers", async () => {
  const away = async (): Promise<never> => {
    throw new CrmError("later", "the CRM is away");
  };
  await receive(["9"]);
  await expect(applyContactEvents(flow(), withCrm({ contactsById: away }))).rejects.toThrow("away");
  expect(await waiting()).toHaveLength(1);
  const contactsById = async () => ({ contacts: [named("new")], gone: [] });
  await applyContactEvents(flow(), withCrm({ contactsById }));
  expect(await stored()).toBe("new");
  expect(await waiting()).toEqual([]);
});

test("a contact that changes while it is read is read again", async () => {
  const names = ["first", "second"];
  const contactsById = async () => {
    const name = names.shift() ?? "";
    if (names.length > 0) await receive(["9"]);
    return { contacts: [named(name)], gone: [] };
  };
  await receive(["9"]);
  const installation = withCrm({ contactsById });
  await applyContactEvents(flow(), installation);
  expect(await stored()).toBe("first");
  await applyContactEvents(flow(), installation);
  expect(await stored()).toBe("second");
});
