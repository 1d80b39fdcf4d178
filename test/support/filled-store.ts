import type { Store } from "../../src/store/contract.ts";
import { callOf, deliveryOf, t0 } from "../contracts/store-samples.ts";

/** Two installations, of which everything says whose it is. */
export const names = ["acme", "globex"] as const;

/** Something of everything that is kept of an installation, for both of them, side by side. */
export async function fill(store: Store, { calls }: { calls: number }): Promise<void> {
  for (const name of names) {
    await store.putOwners(name, [{ id: "1", name: `Owner at ${name}` }]);
    await store.saveSyncState(name, { cursor: "c", generation: 2, finishedAt: t0 });
    const person = { role: "admin", listen: true, installation: name, name: "Noor", expiresAt: t0 } as const;
    const from = { signedInBy: "link", address: "203.0.113.1" };
    await store.addSession({ ...person, ...from, id: `of ${name}`, createdAt: t0, seenAt: t0 });
    await store.addLink({ ...person, id: `of ${name}` });
    await store.addAuditLine({
      ...from,
      at: t0,
      who: "Noor",
      action: "PUT /",
      installation: name,
      result: 200,
    });
  }
  for (let from = 0; from < calls; from += 50)
    for (const name of names) await fillSome(store, name, from, Math.min(from + 50, calls));
}

async function fillSome(store: Store, name: string, from: number, to: number): Promise<void> {
  const numbers = Array.from({ length: to - from }, (_, i) => from + i);
  const phone = (i: number) => `+31${600_000_000 + i}`;
  const contacts = numbers.map((i) => ({
    contact: {
      ...{ id: `${i}`, kind: "contact" as const, name: `Person ${i} at ${name}`, phones: [phone(i)] },
      fields: { note: name.repeat(i % 40) },
    },
    numbers: [phone(i)],
  }));
  await store.putContacts(name, contacts, { now: t0, matchSince: 0 });
  const more = { installation: name, url: `/webhooks/${name}/voys` };
  const bodies = numbers.map((i) => `call ${i} of ${name} ${name.repeat((i * 37) % 1_500)}`);
  await Promise.all(bodies.map((body) => store.append(deliveryOf(body, more))));
  const answers = numbers.map((i) => ({
    ...{ ref: `${i}`, at: t0, number: phone(i) },
    ...{ reply: { hello: `Person ${i} at ${name}` }, why: {} },
  }));
  await Promise.all(answers.map((answer) => store.saveAnswer(name, "retell", answer)));
  const deliveries = await store.newDeliveries(name, numbers.length);
  await store.saveDecoded(
    name,
    deliveries.map(({ id, digest }) => ({ id, digest, kind: "ended", events: 1 })),
    deliveries.map(({ id }, n) => {
      const callId = `c${from + n}`;
      const facts = { summary: `Wants ${name} ${"x".repeat(n * 9)}` };
      const event = { callId, at: new Date(t0).toISOString(), kind: "ended", facts };
      const call = callOf(callId, { key: `${name}:voys:${callId}`, installation: name, ...facts });
      const state = { state: "waiting" as const, dueAt: t0, number: phone(from + n) };
      return { call, ...state, events: [{ event, delivery: id }], absorbed: [], audioAt: t0 };
    }),
  );
  const due = await store.dueCalls(name, t0, numbers.length);
  await store.saveDelivered(
    due.map(({ id, call }) => ({
      ...{ id, key: call.key, installation: name, revision: 1, state: "logged", attempts: 0 },
      activityId: `a-${id}`,
      ours: { title: [`Call at ${name}`] },
      step: { at: t0, step: "created", detail: { title: `Call at ${name}` } },
    })),
  );
}
