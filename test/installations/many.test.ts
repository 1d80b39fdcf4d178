import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openGrant } from "../../src/installations/grants.ts";
import { SealError } from "../../src/lib/seal.ts";
import type { Clock } from "../support/crm-turns.ts";
import { rounds } from "../support/rounds.ts";
import { type TestServer, waitFor } from "../support/server.ts";
import {
  type Account,
  caller,
  forEach,
  sealer,
  sendCall,
  settingsWith,
  startAccounts,
  startFront,
  startWith,
} from "./many-accounts.ts";

const many = rounds({ whole: 200, short: 32 });
const waitSeconds = 60;
const titleField = { hubspot: "hs_call_title", salesforce: "Subject" } as const;
/** What an installation holds, and would hold once more after each change if it were not let go of. */
const heldMegabytes = 0.09;
const changedAtOnce = rounds({ whole: 40, short: 25 });
const changes = 3;
/** Some stay with the mapping that comes with Switchhook. */
const greetings = [undefined, "Rang", undefined, "Spoke", "Telephoned", undefined, undefined] as const;

let accounts: Account[];
let front: Awaited<ReturnType<typeof startFront>>;
let server: TestServer;
let clock: Clock;
/** Their CRM asks two of them to wait for a quarter of an hour at least, and refuses the token of a third. */
let limited: Account[];
let away: Account;
let others: Account[];
let isStopped = false;

beforeAll(async () => {
  accounts = await startAccounts(many);
  front = await startFront(accounts);
  ({ server, clock } = await startWith(accounts, front.url));
  const [org, portal, third, ...rest] = accounts;
  if (!org || !portal || !third) throw new Error("no accounts");
  [limited, away, others] = [[org, portal], third, rest];
  org.world.emulator.faults.add({ type: "limit" });
  portal.world.emulator.faults.add({ type: "429", policy: "TEN_SECONDLY_ROLLING", retryAfter: 3_600 });
  away.world.emulator.faults.add({ type: "status", status: 401 });
  // One after another: a server that is busy turns away the previews of many.
  for (const account of accounts) await saveMapping(account);
  await sendToAll("a");
}, 300_000);
afterAll(async () => {
  if (!isStopped) await server?.stop();
});

const greetingOf = (account: Account) => greetings[accounts.indexOf(account) % greetings.length];
/** As only this installation's mapping and this account's contact make it. */
const titleOf = (account: Account): string => {
  const { name, callerName } = account;
  const greeting = greetingOf(account);
  return greeting ? `${greeting} ${callerName} for ${name}` : `Inbound call from ${callerName}`;
};

async function saveMapping(account: Account): Promise<void> {
  const { name, crm } = account;
  const greeting = greetingOf(account);
  if (!greeting) return;
  const path = `${server.url}/api/installations/${name}/mapping`;
  const { mapping } = (await (await fetch(path)).json()) as { mapping: { activity: object } };
  const title = { text: `${greeting} {{ contact.name }} for ${name}` };
  const body = JSON.stringify({ ...mapping, activity: { ...mapping.activity, [titleField[crm]]: title } });
  const answer = await fetch(path, { method: "PUT", headers: { "content-type": "application/json" }, body });
  expect(answer.status, await answer.text()).toBe(200);
}

/** One more call for each; waits for those whose CRM takes them. */
async function sendToAll(id: string): Promise<void> {
  const before = others[0]?.world.calls().length ?? 0;
  await forEach(accounts, async (account) => {
    expect([account.name, ...(await sendCall(server, account, id))]).toEqual([account.name, 200]);
  });
  await logged(others, before + 1);
}

/** Other settings, which make an installation anew. */
function reset({ name, secret }: Account, more: object): Promise<void> {
  const version = server.parts.installed?.stateOf(name)?.version ?? 0;
  return server.parts.accounts.changeSettings(name, {
    settings: { ...settingsWith(secret), ...more },
    version,
    by: "test",
  });
}

const logged = (some: readonly Account[], count: number) =>
  waitFor("the calls", () => some.every(({ world }) => world.calls().length >= count), waitSeconds);

const rowOf = async ({ name }: Account, id: string) =>
  (await server.parts.flow.store.call(`${name}:voys:${id}`))?.row;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
function heapMegabytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
}

describe(`${many} installations in one process`, () => {
  test("log each call once in its own account, by its own mapping and on its own contact", () => {
    const found = others.map(({ world }) => world.calls().map(({ key, title }) => ({ key, title })));
    expect(found).toEqual(
      others.map((account) => [{ key: `${account.name}:voys:a`, title: titleOf(account) }]),
    );
  });

  test("know the same caller as each account's own contact", async () => {
    const { store } = server.parts.flow;
    for (const { name, callerName } of others) {
      const look = async () => (await store.contactsByNumber(name, [caller])).get(caller);
      const found = await waitFor(`the index of ${name}`, look, waitSeconds);
      expect([name, found.map((contact) => contact.name)]).toEqual([name, [callerName]]);
    }
  });

  test("do not wait for one whose CRM asks for a pause, and nothing more is asked of that one", async () => {
    for (const account of limited) {
      const row = await waitFor("the pause", async () => {
        const found = await rowOf(account, "a");
        return found?.reason !== undefined && found;
      });
      expect([account.name, row.state]).toEqual([account.name, "waiting"]);
      expect(row.reason).toMatch(/go slower|REQUEST_LIMIT_EXCEEDED/);
      expect(row.dueAt).toBeGreaterThan(clock.now() + 600_000);
    }
    const asked = () => limited.map(({ world }) => world.emulator.requests.length);
    const before = asked();
    await sendToAll("b");
    expect(asked()).toEqual(before);
    expect((await rowOf(away, "a"))?.state).toBe("waiting");
    expect([...limited, away].flatMap(({ world }) => world.calls())).toEqual([]);
    for (const account of others) {
      const refused = account.world.emulator.requests.filter(({ status }) =>
        [401, 403, 429].includes(Number(status)),
      );
      expect([account.name, refused, (await rowOf(account, "b"))?.attempts]).toEqual([account.name, [], 0]);
    }
  });

  test("refuse each other's webhook secrets", async () => {
    const pairs = accounts.map((account, i) => ({ account, neighbour: accounts[(i + 1) % many] ?? account }));
    await forEach(pairs, async ({ account: { name }, neighbour: { secret } }) => {
      expect([name, await sendCall(server, { name, secret }, "stolen")]).toEqual([name, [401]]);
    });
  });

  test("cannot open each other's tokens", async () => {
    const installs = (await server.parts.flow.store.installs()).filter(({ sealed }) => sealed);
    expect(installs).toHaveLength(many);
    for (const [i, install] of installs.entries()) {
      const token = accounts.find(({ name }) => name === install.name)?.token;
      expect(openGrant(install, sealer).accessToken).toBe(token);
      const { sealed = "" } = installs[(i + 1) % many] ?? {};
      expect(() => openGrant({ ...install, sealed }, sealer)).toThrow(SealError);
    }
  });

  test("keep their settings when one gets others", async () => {
    const [one, another] = others;
    if (!one || !another) throw new Error("no others");
    await reset(one, { region: "IN" });
    const regions = accounts.map(({ name }) => server.parts.installations.get(name)?.settings.region);
    expect(regions).toEqual(accounts.map((account) => (account === one ? "IN" : "NL")));
    await reset(one, { region: "NL" });
  });

  test("let go of what they were before, however often their settings change", async () => {
    const some = others.slice(0, changedAtOnce);
    const used: number[] = [];
    for (let round = 0; round <= changes; round += 1) {
      await forEach(some, (account) => reset(account, {}));
      used.push(heapMegabytes());
    }
    await sendToAll("c");
    const [first = 0] = used;
    expect((used.at(-1) ?? 0) - first).toBeLessThan((changedAtOnce * changes * heldMegabytes) / 2);
  });

  test("have all of their calls once, when the pauses are over", async () => {
    for (const { world } of [...limited, away]) world.emulator.faults.clear();
    clock.move(2 * 3_600_000);
    await server.restart();
    const ids = ["a", "b", "c"];
    await logged(accounts, ids.length);
    for (const account of accounts) {
      const keys = account.world.calls().map(({ key }) => key);
      expect(keys.sort()).toEqual(ids.map((id) => `${account.name}:voys:${id}`));
      expect(new Set(account.world.calls().map(({ title }) => title))).toEqual(new Set([titleOf(account)]));
    }
  });

  test("leave no connection open", async () => {
    await server.stop();
    isStopped = true;
    await waitFor("no connection to a CRM", async () => (await front.open()) === 0);
  });
});
