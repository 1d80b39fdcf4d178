import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type PlayerSite, playerSite } from "../support/player-site.ts";
import { waitFor } from "../support/server.ts";

const audio = randomBytes(20_000);

let site: PlayerSite;
beforeEach(async () => {
  site = await playerSite(audio);
});
afterEach(() => site.stop());

const statusOf = async (url: string) => (await fetch(url)).status;
/** What it is turned away with. */
async function refusal(url: string): Promise<{ status: number; error: string }> {
  const response = await fetch(url);
  return { status: response.status, ...((await response.json()) as { error: string }) };
}

describe("HubSpot is told where its player asks", () => {
  test("once, whatever is installed and started afterwards, and without anybody's log", async () => {
    const place = await site.place();
    expect(place).toMatch(/^http:\/\/localhost:\d+\/recordings\/of\/hubspot\/[\w-]{32}\/%s$/);
    await site.connect();
    const before = looks();
    await site.server.restart();
    await waitFor("the look after the restart", () => looks() > before);
    expect(site.registrations()).toEqual(["POST"]);
    expect(await site.place()).toBe(place);
    expect(site.logged()).not.toContain(place.split("/").at(-2));
  });

  test("anew when our public URL is another, with the same secret", async () => {
    const { pathname } = new URL(await site.place());
    await site.startAt("https://calls.example.com");
    await waitFor("the new address", () => site.registrations().length === 2);
    expect(site.registrations()).toEqual(["POST", "PATCH"]);
    expect(await site.place()).toBe(`https://calls.example.com${pathname}`);
  });

  test("when an account is connected, if it was not to be told at the start", async () => {
    await site.place();
    site.portal.faults.add({ type: "status", status: 403, match: "recording setting" });
    await site.server.restart();
    await waitFor("a warning", () => site.logged().includes("HubSpot does not know where recordings are"));
    site.portal.faults.clear();
    const before = looks();
    await site.install();
    await waitFor("a look after the installation", () => looks() > before);
  });

  const looks = () =>
    site.portal.requests.filter(({ kind, method }) => kind === "recording setting" && method === "GET")
      .length;
});

describe("HubSpot's player", () => {
  /** HubSpot takes only links to a public https address. */
  async function connectedInPublic(): Promise<[string, string]> {
    const names = await site.connect();
    // A server that stops before it has registered leaves nothing for the next one to change.
    await site.place();
    await site.startAt("https://calls.example.com");
    await waitFor("the new address", () => site.registrations().length === 2);
    return names;
  }

  test("gets our link to a call's recording, which plays", async () => {
    const [name] = await connectedInPublic();
    await site.call(name, "call/1 a");
    const [call] = site.portal.people.calls();
    expect(call?.properties).toMatchObject({ hs_call_app_id: "7", hs_call_external_id: "call/1 a" });
    const { status, body } = await site.portal.fetchRecording(call?.id ?? "", site.publicUrl);
    expect(status).toBe(200);
    expect(body).toEqual({ authenticatedUrl: call?.properties["hs_call_recording_url"] });
    const { pathname } = new URL((body as { authenticatedUrl: string }).authenticatedUrl);
    const played = await fetch(new URL(pathname, site.publicUrl));
    expect(Buffer.from(await played.arrayBuffer()).equals(audio)).toBe(true);
  });

  test("may be told by its announcement that the recording is there", async () => {
    const [name] = await connectedInPublic();
    await site.call(name, "1");
    const [call] = site.portal.people.calls();
    await site.server.parts.installations.get(name)?.connector.recordingReady?.(call?.id ?? "");
    expect(site.portal.people.readyRecordings()).toEqual([call?.id]);
  });

  test("never gets a call of another account", async () => {
    const [name, other] = await site.connect();
    await site.call(name, "mine");
    await site.call(other, "theirs");
    expect(await statusOf(await site.address("mine", name))).toBe(200);
    expect(await statusOf(await site.address("theirs", other))).toBe(200);
    for (const [call, account] of [
      ["mine", other],
      ["theirs", name],
    ] as const) {
      const { status, error } = await refusal(await site.address(call, account));
      expect([status, error]).toEqual([404, `${account} has no call with this id`]);
    }
  });

  test("is turned away for what there is not: a call, a recording, an account, another CRM's or app's", async () => {
    const [name, other] = await site.connect();
    await site.call(name, "missed", false);
    const refused = async (...of: Parameters<PlayerSite["address"]>) => refusal(await site.address(...of));
    expect(await refused("unknown", name)).toMatchObject({ status: 404 });
    expect((await refused("missed", name)).error).toMatch(/no recording/);
    expect((await refused("missed", "acme")).error).toMatch(/no account/);
    expect((await refused("missed", "__proto__")).error).toMatch(/no account/);
    expect((await refused("missed", name, "8")).error).toMatch(/apps\.hubspot\.appId/);
    expect(await refused("missed", name, "")).toMatchObject({ status: 400 });
    expect(await refused("missed")).toMatchObject({ status: 400 });
    await fetch(`${site.server.url}/api/installations/${other}`, { method: "DELETE" });
    expect(await refused("missed", other)).toMatchObject({
      status: 404,
      error: expect.stringMatching(/no account/),
    });
  });
});

describe("somebody else", () => {
  test("without the secret finds nothing, with a signature or without", async () => {
    const [name] = await site.connect();
    await site.call(name, "1");
    const address = await site.address("1", name);
    expect(await statusOf(address)).toBe(200);
    const secret = /of\/hubspot\/([\w-]+)\//.exec(address)?.[1] ?? "";
    for (const guess of ["", "x", secret.slice(1), `${secret}x`, secret.toLowerCase(), "%F0%9F%8E%A7"]) {
      const url = address.replace(secret, guess);
      expect(await statusOf(url), guess).toBe(404);
      expect((await site.signed(url)).status, guess).toBe(404);
    }
    for (const crm of ["salesforce", "local", "constructor"])
      expect(await statusOf(address.replace("/hubspot/", `/${crm}/`))).toBe(404);
    expect((await fetch(address, { method: "POST" })).status).toBe(405);
  });

  test("whose signature is wrong is refused; HubSpot's own is fine", async () => {
    const [name] = await site.connect();
    await site.call(name, "call/1 a");
    const address = await site.address("call/1 a", name);
    expect((await site.signed(address)).status).toBe(200);
    expect((await site.signed(address, { secret: "another" })).status).toBe(401);
    expect((await site.signed(address, { timestamp: Date.now() - 301_000 })).status).toBe(401);
    const unfinished = { headers: { "x-hubspot-signature-v3": "x" } };
    expect((await fetch(address, unfinished)).status).toBe(401);
  });
});

test("a fault of ours says nothing of the address, here or in the log", async () => {
  const [name] = await site.connect();
  const address = await site.address("1", name);
  const { store } = site.server.parts.flow;
  store.groupsOf = () => Promise.reject(new Error("the disk failed"));
  expect(await refusal(address)).toEqual({
    status: 500,
    error: expect.stringContaining("the log says what"),
  });
  expect(site.logged()).toContain("the disk failed");
  expect(site.logged()).not.toContain(/of\/hubspot\/([\w-]+)\//.exec(address)?.[1]);
});
