import { toneOf } from "@switchhook/emulators/audio";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openBrowser, type TestBrowser } from "../support/browser.ts";
import { inboundCall, sendAll } from "../support/calls.ts";
import { type CrmWorld, hubspotWorld } from "../support/crm-worlds.ts";
import { silentMp3 } from "../support/mp3.ts";
import { playerOn } from "../support/player.ts";
import { startProxy } from "../support/proxy.ts";
import { scriptWithRecording, startRecordingServer } from "../support/recorded.ts";
import { type TestServer, waitFor } from "../support/server.ts";
import { fileServer, startUpstream, type Upstream } from "../support/upstream.ts";

const minutes = 10;
const seconds = minutes * 60;
/** The provider's files, by their paths. */
const files = new Map<string, Buffer>();
let upstream: Upstream;
let crm: CrmWorld;
let proxy: Upstream;
let server: TestServer;
let browser: TestBrowser;

beforeAll(async () => {
  upstream = await startUpstream((request, response) => {
    const bytes = files.get(request.url ?? "");
    if (bytes) fileServer(bytes)(request, response);
    else response.writeHead(404).end();
  });
  crm = await hubspotWorld({ now: Date.now });
  proxy = await startProxy((): string => server.url);
  server = await startRecordingServer(upstream, {
    settings: { crm: { ...crm.settings, plainLinks: true } },
    file: { publicUrl: proxy.url },
  });
  browser = await openBrowser();
}, 180_000);
afterAll(async () => {
  await browser.stop();
  await server.stop();
  await proxy.stop();
  await crm.emulator.stop();
  await upstream.stop();
});

/** A call whose recording the provider has at `path`, until the CRM has it too. */
async function logCall(provider: "exotel" | "retell", path: string): Promise<void> {
  const call = inboundCall(provider);
  await sendAll(server, provider, scriptWithRecording(server, provider, call, `${upstream.url}${path}`));
  const isLogged = ({ all }: { all: string }) => all.includes(call.id) && all.includes("/recordings/");
  await waitFor("the call and its recording in the CRM", () => crm.calls().some(isLogged), 30);
}

/** The CRM's page as a rep opens it: at another site than ours, with the newest call on top. */
async function openCrm() {
  const { page, faults } = await browser.open(`${crm.emulator.url}/`);
  onTestFinished(() => page.context().close());
  return { page, faults, player: playerOn(page) };
}

/** For a machine that has other things to do. */
const patience = { timeout: 30_000 };
const startOf = (range: string | undefined) => Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1]);

describe.each([
  ["an MP3 of Exotel", "exotel", "/exotelrecordings/call.mp3", () => silentMp3(seconds)],
  ["a WAV of Retell", "retell", "/call/recording.wav", () => toneOf("call", seconds)],
] as const)("%s on the CRM's page", (_name, provider, path, audio) => {
  let size: number;
  beforeAll(async () => {
    const bytes = audio();
    size = bytes.length;
    files.set(path, bytes);
    for (const { id } of crm.calls()) crm.remove(id);
    await logCall(provider, path);
  });
  beforeEach(() => void proxy.requests.splice(0));

  test("is our link, at another site, and is not asked for before somebody presses play", async () => {
    const { page, player, faults } = await openCrm();
    const link = new URL((await player.source()) ?? "");
    expect([link.origin, link.pathname.slice(-4)]).toEqual([proxy.url, path.slice(-4)]);
    expect(link.hostname).not.toBe(new URL(page.url()).hostname);
    expect([proxy.requests.length, faults]).toEqual([0, []]);
  });

  test("plays: its length is right, and the time goes on", async () => {
    const { player, faults } = await openCrm();
    await player.pressPlay();
    const { length, paused, at, buffered } = await player.playsPast(0.5);
    expect(length).toBeCloseTo(seconds, 0);
    expect(paused).toBe(false);
    expect(buffered).toHaveLength(1);
    expect(buffered[0]?.[0]).toBe(0);
    expect(buffered[0]?.[1]).toBeGreaterThan(at);
    expect(buffered[0]?.[1]).toBeLessThanOrEqual(length);
    await expect
      .poll(() => player.answers, patience)
      .toEqual([{ status: 206, range: "bytes=0-", got: `bytes 0-${size - 1}/${size}` }]);
    expect(faults).toEqual([]);
  });

  test("seeks forward by asking for what is there, and back into what it has already", async () => {
    const { player, faults } = await openCrm();
    await player.pressPlay();
    await player.playsPast(0.1);
    await expect.poll(async () => (await player.heard()).buffered[0]?.[1], patience).toBeGreaterThan(60);
    const forward = await player.seek(500);
    expect(forward.at).toBeCloseTo(500, 0);
    expect(forward.buffered.some(([from, to]) => from > 450 && from <= 500 && to >= 500)).toBe(true);
    await expect.poll(() => player.answers, patience).toHaveLength(2);
    const [, second] = player.answers;
    expect(startOf(second?.range) / size).toBeCloseTo(500 / seconds, 2);
    expect(second).toMatchObject({
      status: 206,
      got: `bytes ${startOf(second?.range)}-${size - 1}/${size}`,
    });
    expect(upstream.requests.at(-1)?.headers.range).toBe(second?.range);
    expect((await player.playsPast(500.2)).paused).toBe(false);

    const back = await player.seek(30);
    expect(back.at).toBeCloseTo(30, 0);
    expect((await player.playsPast(30.2)).paused).toBe(false);
    expect(player.answers).toHaveLength(2);

    await player.seek(300);
    await expect.poll(() => player.answers, patience).toHaveLength(3);
    expect(startOf(player.answers[2]?.range) / size).toBeCloseTo(300 / seconds, 2);
    expect((await player.playsPast(300.2)).at).toBeLessThan(350);
    expect(faults).toEqual([]);
  });

  test("plays to its end", async () => {
    const { player, faults } = await openCrm();
    await player.pressPlay();
    await player.playsPast(0.1);
    await player.seek(seconds - 0.5);
    await player.playsPast(seconds - 0.1);
    await expect.poll(async () => (await player.heard()).paused, patience).toBe(true);
    expect((await player.heard()).at).toBeCloseTo(seconds, 0);
    expect(faults).toEqual([]);
  });

  test("tells a program that asks HEAD how long it is, and that it can be sought in", async () => {
    const { player } = await openCrm();
    const { status, headers } = await fetch((await player.source()) ?? "", { method: "HEAD" });
    expect([status, headers.get("content-length"), headers.get("accept-ranges")]).toEqual([
      200,
      String(size),
      "bytes",
    ]);
  });
});

test("a recording that the provider does not have yet shows an error, and plays after a reload once it is there", async () => {
  for (const { id } of crm.calls()) crm.remove(id);
  await logCall("exotel", "/exotelrecordings/late.mp3");
  const { page, player } = await openCrm();
  await player.pressPlay();
  // MEDIA_ERR_SRC_NOT_SUPPORTED: what a browser calls an answer without audio.
  expect(await player.playsPast(0)).toMatchObject({ at: 0, fault: 4 });
  const said = await fetch((await player.source()) ?? "");
  expect([said.status, await said.text()]).toEqual([404, expect.stringContaining("not yet")]);

  files.set("/exotelrecordings/late.mp3", silentMp3(20));
  await page.reload();
  await player.pressPlay();
  const { length, fault } = await player.playsPast(0.2);
  expect([Math.round(length), fault]).toEqual([20, undefined]);
});
