import { z } from "zod";
import type { Provider } from "../../core/provider.ts";
import { parsedOnce } from "../../lib/body.ts";
import { secrets, verifySecret } from "../../lib/secrets.ts";
import { eventsOf } from "./events.ts";
import { simulation } from "./simulate.ts";
import { notificationOf } from "./wire.ts";

/** `secret`: ours, as `?key=` in the URL of the portal's call notification. Voys signs nothing. */
export type VoysSettings = { secret: string[] };

/** Voys and other VoIPGRID brands: call notifications v2. No recordings, and no API to poll for lost notifications. */
export const voys: Provider<VoysSettings> = {
  id: "voys",
  label: "Voys",
  settings: z.strictObject({ secret: secrets }),
  methods: ["POST"],
  keepHeaders: [],
  verify: (head, { secret }, proof) => verifySecret(head, secret, proof),
  ...parsedOnce(notificationOf, { read: ({ status }) => ({ kind: status }), decode: eventsOf }),
  simulate: simulation,
};
