import { startBird } from "@switchhook/emulators/bird";
import { startExotel } from "@switchhook/emulators/exotel";
import type { ProviderEmulator } from "@switchhook/emulators/provider";
import { startRetell } from "@switchhook/emulators/retell";
import { beforeAll, describe, expect, test } from "vitest";
import type { Activity } from "../support/asking-world.ts";
import { type LossyRun, liveThrough } from "../support/lossy-world.ts";
import { rounds } from "../support/rounds.ts";

type Start = (now: () => number) => Promise<ProviderEmulator>;

/** Each with an API. Their links to recordings lead where those of the webhooks do. */
const emulators: [string, Start][] = [
  ["exotel", (now) => startExotel({ now, recordingsAt: "https://recordings.exotel.example" })],
  ["retell", (now) => startRetell({ now, recordingsAt: "https://recordings.retell.example" })],
  ["bird", (now) => startBird({ now, requestsPerSecond: false })],
];

const calls = rounds({ whole: 2_000, short: 100 });
const hour = 3_600_000;

/**
 * An activity without what differs from run to run: ids by order, and the tokens of its links. Which of a contact's
 * missed calls has the follow-up depends on what was known when.
 */
function facts({ id: _, taskId: __, recordingUrl, transcriptUrl, ...rest }: Activity): Activity {
  return { ...rest, recorded: recordingUrl !== undefined, transcribed: transcriptUrl !== undefined };
}

const byKey = (run: LossyRun) =>
  run.activities
    .filter(({ key }) => key !== undefined)
    .sort((a, b) => (String(a["key"]) < String(b["key"]) ? -1 : 1));

describe.each(emulators)("%s", (provider, start) => {
  let whole: LossyRun;

  beforeAll(async () => {
    whole = await liveThrough({ provider, start, calls, loss: 0 });
  }, 300_000);

  test("without a loss every call is logged once, and nothing was missed", () => {
    expect(new Set(byKey(whole).map(({ key }) => key)).size).toBe(calls);
    expect(byKey(whole)).toHaveLength(calls);
    expect(whole.asked.missed).toBe(0);
  });

  test("with 30 % of all webhooks lost every call is logged once, with the same facts", async () => {
    const lossy = await liveThrough({ provider, start, calls, loss: 0.3 });
    expect(lossy.lost).toBeGreaterThan(0.25 * lossy.sent);
    expect(lossy.asked.missed + lossy.asked.mended).toBeGreaterThan(0.1 * calls);
    expect(byKey(lossy)).toHaveLength(calls);
    expect(byKey(lossy).map(facts)).toEqual(byKey(whole).map(facts));
  }, 300_000);

  test("a server that was away for an hour logs what it missed, once, with the same facts", async () => {
    const away = { from: 3 * hour, until: 4 * hour };
    const stopped = await liveThrough({ provider, start, calls, loss: 0, away });
    expect(stopped.asked.missed).toBeGreaterThan(0.05 * calls);
    expect(byKey(stopped)).toHaveLength(calls);
    expect(byKey(stopped).map(facts)).toEqual(byKey(whole).map(facts));
  }, 300_000);
});
