import { z } from "zod";
import { hostList } from "../../lib/outbound.ts";
import { secrets } from "../../lib/secrets.ts";
import type { RecordingSettings } from "./recording.ts";

/**
 * `secret`: ours, as `?key=` in the URL or as the Basic auth password. The rest is for asking Exotel itself, for lost
 * calls and for recordings; its dashboard shows it under API settings. `apiUrl`: https://api.exotel.com when absent;
 * accounts in Mumbai live at https://api.in.exotel.com, and each region refuses the other's keys.
 */
export type ExotelSettings = RecordingSettings & { secret: string[]; accountSid?: string | undefined };

export const exotelSettings: z.ZodType<ExotelSettings> = z.strictObject({
  secret: secrets,
  accountSid: z.string().min(1).optional(),
  apiKey: z.string().min(1).optional(),
  apiToken: z.string().min(1).optional(),
  apiUrl: z.url({ protocol: /^https?$/ }).optional(),
  recordingHosts: hostList.optional(),
});
