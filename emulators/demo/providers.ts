import { agentsAt, emptyTally, madeUpCall, sendTo } from "../../src/cli/simulated-calls.ts";
import { demoInstallation } from "../../src/demo.ts";
import { providers as known } from "../../src/providers/index.ts";
import { startBird } from "../bird/index.ts";
import { startExotel } from "../exotel/index.ts";
import type { ProviderEmulator } from "../provider.ts";
import { startRetell } from "../retell/index.ts";
import { changed, demoCalls } from "./calls.ts";

const { providers, agents } = demoInstallation;
const minute = 60_000;

/** `recordingsAt`: what the provider's webhooks give as the place of recordings. */
type Emulated = { emulator: ProviderEmulator; recordingsAt: string };

/** `sendCalls`: sends the webhooks of the demo's calls to a server, under the address that it is known by. */
export type DemoProviders = {
  settings: Record<string, object>;
  sendCalls(url: string): Promise<void>;
};

/**
 * The providers' emulated APIs for the demo, with a call at each whose webhooks never came: Switchhook finds it by asking.
 * The recordings of all calls play.
 */
export async function openProviders(): Promise<DemoProviders> {
  const exotel = await startExotel({ secret: providers.exotel.secret });
  const retell = await startRetell({ apiKeys: [providers.retell.apiKey] });
  const bird = await startBird({ signingKey: providers.bird.signingKey });
  const emulated: Record<string, Emulated> = {
    exotel: { emulator: exotel, recordingsAt: exotel.url },
    retell: { emulator: retell, recordingsAt: `${retell.url}/recordings` },
    bird: { emulator: bird, recordingsAt: bird.url },
  };
  const customers: Record<string, string> = {
    exotel: "+919876543210",
    retell: "+12137771234",
    bird: "+31612345678",
  };
  for (const [i, [provider, { emulator }]] of Object.entries(emulated).entries()) {
    const wishes = {
      seed: "lost",
      provider,
      customers: [customers[provider] ?? ""],
      agents: agentsAt(agents, provider),
    };
    const call = madeUpCall({ ...wishes, direction: "inbound", outcome: "completed" }, 0);
    const startedAt = new Date(Date.now() - (30 + i) * minute).toISOString();
    emulator.place({ ...call, id: `lost-${provider}`, startedAt });
  }
  const settings: Record<string, object> = {
    ...providers,
    exotel: { ...providers.exotel, ...exotel.settings },
    retell: { ...providers.retell, ...retell.settings },
    bird: { ...providers.bird, ...bird.settings },
  };
  return {
    settings,
    async sendCalls(url) {
      const tally = emptyTally();
      for (const [i, { provider: id, call: told, change }] of demoCalls.entries()) {
        const provider = known[id];
        if (!provider) throw new Error(`there is no provider ${id}`);
        const target = {
          url,
          signedUrl: url,
          installation: "demo",
          provider,
          settings: provider.settings.parse(settings[id]),
        };
        const wishes = {
          seed: "demo",
          provider: id,
          customers: [told.customer],
          agents: agentsAt(agents, id),
        };
        const made = { ...madeUpCall(wishes, i), ...told };
        const took = (made.ringSeconds + made.talkSeconds + 30) * 1_000;
        const place = emulated[id];
        const call = {
          ...made,
          startedAt: new Date(Date.now() - took - (demoCalls.length - i) * minute).toISOString(),
          ...(place && { recordingsAt: place.recordingsAt }),
        };
        // What the API would tell of a changed call is another story.
        if (!change) place?.emulator.place(call, { recordingAfterSeconds: 0 });
        for (const request of provider.simulate.script(call))
          await sendTo(target, changed(request, change), call.id, tally);
      }
      if (tally.refused > 0)
        throw new Error(`the demo's webhooks were refused: ${Object.keys(tally.refusals)}`);
    },
  };
}
