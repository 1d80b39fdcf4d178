import { z } from "zod";
import { hostList } from "../../lib/outbound.ts";
import { secrets } from "../../lib/secrets.ts";

export type BirdSettings = {
  /** Of a channels webhook subscription. */
  signingKey?: string[] | undefined;
  /** Of the new Bird platform, `whsec_…`. */
  platformSecret?: string[] | undefined;
  /** For polling lost calls and fetching recordings. */
  workspaceId?: string | undefined;
  apiKey?: string | undefined;
  apiUrl?: string | undefined;
  /** More hosts that recordings may be fetched from. */
  recordingHosts?: string[] | undefined;
};

const platformSecrets = secrets.refine(
  (values) =>
    values.every((value) =>
      /^whsec_(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value),
    ),
  "a platformSecret is `whsec_` followed by base64, as Bird shows it when the webhook is made",
);

export const settings: z.ZodType<BirdSettings> = z
  .strictObject({
    signingKey: secrets.optional(),
    platformSecret: platformSecrets.optional(),
    workspaceId: z.string().min(1).optional(),
    apiKey: z
      .string()
      .regex(/^[\x21-\x7e]+$/, "is no access key: those have neither spaces nor line ends")
      .optional(),
    apiUrl: z.url({ protocol: /^https?$/ }).optional(),
    recordingHosts: hostList.optional(),
  })
  .refine(
    ({ signingKey, platformSecret }) => Boolean(signingKey ?? platformSecret),
    "set signingKey (channels webhooks) or platformSecret (the new Bird platform), or both",
  );
