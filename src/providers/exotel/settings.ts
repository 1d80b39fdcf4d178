import { z } from "zod";
import { hostList } from "../../lib/outbound.ts";
import { secrets } from "../../lib/secrets.ts";
import type { RecordingSettings } from "./recording.ts";

/** The API's keys are for lost calls and recordings; Exotel's dashboard shows them under API settings. */
export type ExotelSettings = RecordingSettings & {
  /** Ours, as `?key=` in the URL or as the Basic auth password. */
  secret: string[];
  accountSid?: string | undefined;
};

export const exotelSettings: z.ZodType<ExotelSettings> = z.strictObject({
  secret: secrets,
  accountSid: z.string().min(1).optional(),
  apiKey: z.string().min(1).optional(),
  apiToken: z.string().min(1).optional(),
  apiUrl: z.url({ protocol: /^https?$/ }).optional(),
  recordingHosts: hostList.optional(),
});
