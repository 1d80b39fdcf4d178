import { toneOf } from "@switchhook/emulators/audio";
import { afterEach, describe, expect, test } from "vitest";
import { type Asked, callAt, callOf, openExotel, start } from "./exotel-polled.ts";

let api: Asked;
afterEach(() => api.stop());

const tone = toneOf("call-0", 3);

async function withRecording(recordingAfterSeconds?: number | null): Promise<string | undefined> {
  api = await openExotel();
  const options = recordingAfterSeconds === undefined ? {} : { recordingAfterSeconds };
  api.emulator.place(callAt(0, { talkSeconds: 3 }), options);
  return callOf(await api.asked()).recording?.ref;
}

describe("a recording of Exotel", () => {
  test("is played with our password, whole or in part", async () => {
    const ref = (await withRecording()) ?? "";
    const whole = await api.listen(ref);
    expect(whole).toMatchObject({ status: 200, headers: { "content-type": "audio/wav" } });
    expect(whole.bytes.equals(tone)).toBe(true);
    const part = await api.listen(ref, { range: "bytes=10-19" });
    expect(part).toMatchObject({ status: 206, headers: { "content-range": `bytes 10-19/${tone.length}` } });
    expect(part.bytes.equals(tone.subarray(10, 20))).toBe(true);
  });

  test("is refused without it, and with a wrong one", async () => {
    const ref = (await withRecording()) ?? "";
    expect((await api.listen(ref, {}, { apiKey: undefined })).status).toBe(401);
    expect((await api.listen(ref, {}, { apiToken: "wrong" })).status).toBe(401);
  });

  test("is not there before it is made, although its link is", async () => {
    const ref = (await withRecording(600)) ?? "";
    const timeAfter = (seconds: number) => new Date(Date.parse(start) + seconds * 1000).toISOString();
    api.moveTo(timeAfter(7 + 599));
    expect((await api.listen(ref)).status).toBe(404);
    api.moveTo(timeAfter(7 + 600));
    expect((await api.listen(ref)).status).toBe(200);
  });

  test("is never told of when there is none", async () => {
    expect(await withRecording(null)).toBeUndefined();
  });

  test("behind a signed link is asked for without our password, which Amazon would refuse beside it", async () => {
    await withRecording();
    const signed = api.emulator.preSignedUrl("call-0", 5);
    expect((await api.listen(signed)).bytes.equals(tone)).toBe(true);
    const asked = api.emulator.requests.filter(({ kind }) => kind === "recording");
    expect(asked.map(({ status }) => status)).toEqual([200]);
    api.moveTo(new Date(api.now() + 300_000).toISOString());
    expect((await api.listen(signed)).status).toBe(403);
    const authorization = `Basic ${Buffer.from("exotel-api-key:exotel-api-token").toString("base64")}`;
    expect((await fetch(signed, { headers: { authorization } })).status).toBe(400);
  });
});
