import { z } from "zod";
import type { Delivery, Provider } from "../../core/contracts.ts";
import { hostList } from "../../lib/outbound.ts";
import { secrets, verifySecret } from "../../lib/secrets.ts";
import { appNotification } from "./app-notification.ts";
import { callDetails } from "./call-details.ts";
import type { Dialect } from "./event.ts";
import { notification } from "./notification.ts";
import { passthru } from "./passthru.ts";
import { popup } from "./popup.ts";
import { openRecording, type RecordingSettings } from "./recording.ts";
import { simulation } from "./simulate.ts";
import { statusCallback } from "./status-callback.ts";
import { type Message, messageOf } from "./wire.ts";

/** `secret`: ours, as `?key=` in the URL or as the Basic auth password. The rest is for asking Exotel itself. */
export type ExotelSettings = RecordingSettings & { secret: string[]; accountSid?: string | undefined };

/** All of them arrive at one URL; the first that recognises a message reads it. */
const dialects: readonly Dialect[] = [
  callDetails,
  notification,
  appNotification,
  popup,
  passthru,
  statusCallback,
];

/** Exotel (India): WebRTC notifications, StatusCallback, Passthru and pop-ups. It signs nothing. */
export const exotel: Provider<ExotelSettings> = {
  id: "exotel",
  label: "Exotel",
  settings: z.strictObject({
    secret: secrets,
    accountSid: z.string().min(1).optional(),
    apiKey: z.string().min(1).optional(),
    apiToken: z.string().min(1).optional(),
    apiUrl: z.url({ protocol: /^https?$/ }).optional(),
    recordingHosts: hostList.optional(),
  }),
  methods: ["GET", "POST"],
  keepHeaders: [],
  verify: (delivery, { secret }, proof) => verifySecret(delivery, secret, proof),
  read: (delivery) => {
    const { dialect, message } = understood(delivery);
    return { kind: dialect.kind(message) };
  },
  decode: (delivery) => {
    const { dialect, message } = understood(delivery);
    return message.callId === undefined ? [] : dialect.events(message, message.callId);
  },
  recording: openRecording,
  simulate: simulation,
};

function understood(delivery: Delivery): { dialect: Dialect; message: Message } {
  const message = messageOf(delivery);
  return { message, dialect: dialects.find((dialect) => dialect.speaks(message)) ?? statusCallback };
}
