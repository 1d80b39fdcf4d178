import { startExotel } from "@switchhook/emulators/exotel";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { explainCall } from "../../src/flow/explain/explain.ts";
import { type AskingOptions, openWorld } from "./asking-world.ts";

const minute = 60_000;
const key = "acme:exotel:one";

export type RecordedWorld = Awaited<ReturnType<typeof recordedWorld>>;

/** A logged call of Exotel that ended a minute ago, and whose recording is there so long after its end; none when null. */
export async function recordedWorld(
  recordingAfterSeconds: number | null,
  options: Partial<AskingOptions> = {},
) {
  let at = Date.parse("2026-11-02T08:00:00.000Z");
  const now = () => at;
  const exotel = await startExotel({ now });
  const world = openWorld({ provider: "exotel", own: exotel.settings, now, ...options });
  await world.sync();
  const call: SimulatedCall = {
    ...{ id: "one", direction: "inbound", customer: "+919876543210", line: "+918047112200", agent: "ravi" },
    startedAt: new Date(at - 2 * minute).toISOString(),
    ...{ ringSeconds: 4, talkSeconds: 61, outcome: "completed" },
  };
  exotel.place(call, { recordingAfterSeconds });
  const link = `${exotel.url}/exotelrecordings/demo/one.mp3`;
  for (const request of world.script(call)) {
    const text = Buffer.from(request.body).toString();
    const body = Buffer.from(text.replaceAll(/https:\/\/recordings[^"\r]+/g, link));
    await world.take({ ...request, body });
  }
  await world.workOff();

  return {
    exotel,
    world,
    now,
    move(ms: number): void {
      at += ms;
    },
    row: async () => (await world.flow.store.call(key))?.row,
    /** How often the recording was asked for. */
    looks: () => exotel.requests.filter(({ kind }) => kind === "recording").length,
    explained: () => explainCall(world.flow.store, key),
    /** What the call's explanation says of its recording. */
    told: async () => (await explainCall(world.flow.store, key))?.call.recording,
    async end(): Promise<void> {
      await world.end();
      await exotel.stop();
    },
  };
}
