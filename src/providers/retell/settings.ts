import { z } from "zod";
import { hostList } from "../../lib/outbound.ts";
import { secrets } from "../../lib/secrets.ts";

export type RetellSettings = {
  /** The key with the webhook badge, with which Retell signs; it is also used for the API. */
  apiKey: string[];
  /** Answers unknown callers. */
  defaultAgent?: string | undefined;
  /** Answers text messages, which a voice agent cannot. */
  chatAgent?: string | undefined;
  /** The API's address in tests. */
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
