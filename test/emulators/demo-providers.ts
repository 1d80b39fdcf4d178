import { madeUpCall } from "../../src/cli/made-up-calls.ts";
import { demoInstallation } from "../../src/demo.ts";
import { startBird } from "./bird/index.ts";
import { startExotel } from "./exotel/index.ts";
import type { ProviderEmulator } from "./provider.ts";
import { startRetell } from "./retell/index.ts";

const { providers, agents } = demoInstallation;
const minute = 60_000;

/**
 * The providers' emulated APIs for the demo, with a call at each whose webhooks never came: Switchhook finds it by asking, and
 * its recording plays. Returns the settings of the providers.
 */
export async function openProviders(): Promise<Record<string, object>> {
  const exotel = await startExotel({ secret: providers.exotel.secret });
  const retell = await startRetell({ apiKeys: [providers.retell.apiKey] });
  const bird = await startBird({ signingKey: providers.bird.signingKey });
  const emulators: [string, ProviderEmulator, string][] = [
    ["exotel", exotel, "+919876543210"],
    ["retell", retell, "+12137771234"],
    ["bird", bird, "+31612345678"],
  ];
  for (const [i, [provider, emulator, customer]] of emulators.entries()) {
    const ids = agents.map((agent) => [agent[provider as "exotel" | "retell" | "bird"]].flat()[0] ?? "");
    const wishes = { seed: "lost", provider, customers: [customer], agents: ids };
    const call = madeUpCall({ ...wishes, direction: "inbound", outcome: "completed" }, 0);
    const startedAt = new Date(Date.now() - (30 + i) * minute).toISOString();
    emulator.place({ ...call, id: `lost-${provider}`, startedAt });
  }
  return {
    ...providers,
    exotel: { ...providers.exotel, ...exotel.settings },
    retell: { ...providers.retell, ...retell.settings },
    bird: { ...providers.bird, ...bird.settings },
  };
}
