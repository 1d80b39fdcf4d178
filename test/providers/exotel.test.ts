import { simulatedCall } from "@switchhook/emulators/test/simulated-call";
import { describe, expect, test } from "vitest";
import { fold } from "../../src/core/fold.ts";
import { exotel } from "../../src/providers/exotel/index.ts";
import { simulate, testProvider } from "../contracts/provider.ts";
import { json } from "./exotel-requests.ts";

const settings = { secret: ["exotel-key"] };

testProvider(exotel, settings);

describe("settings of Exotel", () => {
  test("take one secret or two", () => {
    expect(exotel.settings.parse({ secret: "demo-key" })).toEqual({ secret: ["demo-key"] });
    expect(exotel.settings.parse({ secret: ["new-key", "old-key"] }).secret).toHaveLength(2);
  });

  test.each([
    {},
    { secret: "abc" },
    { secret: "demo-key", apikey: "typo" },
    { secret: "demo-key", apiUrl: "not a url" },
    { secret: "demo-key", apiUrl: "file:///etc/passwd" },
  ])("refuse %j", (given) => {
    expect(exotel.settings.safeParse(given).success).toBe(false);
  });
});

describe("the secret of Exotel", () => {
  const delivery = json({ CallSid: "a", Status: "busy" });
  const proof = { now: 0, publicUrl: "https://hooks.example.com/webhooks/acme/exotel" };

  test("counts in the URL and as the Basic auth password", () => {
    exotel.verify(delivery, settings, { ...proof, secretInUrl: "exotel-key" });
    const authorization = `Basic ${Buffer.from("exotel:exotel-key").toString("base64")}`;
    exotel.verify({ ...delivery, headers: { authorization } }, settings, proof);
  });

  test("is refused when it is wrong", () => {
    expect(() => exotel.verify(delivery, settings, { ...proof, secretInUrl: "exotel-kex" })).toThrow(
      expect.objectContaining({ status: 401 }),
    );
  });
});

describe("a simulated call", () => {
  test("comes with its agent, line, times and recording", () => {
    expect(fold(simulate(exotel, settings, simulatedCall))).toMatchObject({
      callId: "sim-1",
      line: "+31201234567",
      agents: [{ ids: ["201", "sip:201@app.exotel.com"], talkedAt: "2026-01-02T03:05:10.000Z" }],
      startedAt: "2026-01-02T03:04:05.000Z",
      answeredAt: "2026-01-02T03:04:09.000Z",
      endedAt: "2026-01-02T03:05:10.000Z",
      recording: { ref: "https://recordings.exotel.example/exotelrecordings/demo/sim-1.mp3", seconds: 61 },
    });
  });

  test("can find the line busy", () => {
    const call = { ...simulatedCall, direction: "outbound", outcome: "busy", talkSeconds: 0 } as const;
    const folded = fold(simulate(exotel, settings, call));
    expect(folded).toMatchObject({ phase: "ended", outcome: "busy", talkSeconds: 0 });
    expect(folded.answeredAt).toBeUndefined();
  });

  test("carries the first secret beside an existing query", () => {
    const [request] = exotel.simulate.script(simulatedCall);
    if (!request) throw new Error("the script is empty");
    const proof = { now: 0, url: "https://hooks.example.com" };
    const signed = exotel.simulate.sign({ ...request, query: "a=1" }, { secret: ["k&y=", "old"] }, proof);
    expect(signed.query).toBe("a=1&key=k%26y%3D");
  });
});
