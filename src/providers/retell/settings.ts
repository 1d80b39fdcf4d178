import { z } from "zod";
import { hostList } from "../../lib/outbound.ts";
import { secrets } from "../../lib/secrets.ts";

/**
 * `apiKey`: the one with the webhook badge, which Retell signs with; its API is asked with it too. `defaultAgent`: who
 * answers strangers. `chatAgent`: who answers text messages; a voice agent cannot. `apiUrl`: where the API is when not at Retell, for tests.
 */
export type RetellSettings = {
  apiKey: string[];
  defaultAgent?: string | undefined;
  chatAgent?: string | undefined;
  apiUrl?: string | undefined;
  recordingHosts?: string[] | undefined;
};

export const settings: z.ZodType<RetellSettings> = z.strictObject({
  apiKey: secrets,
  defaultAgent: z.string().min(1).optional(),
  chatAgent: z.string().min(1).optional(),
  apiUrl: z.url({ protocol: /^https?$/ }).optional(),
  recordingHosts: hostList.optional(),
});
