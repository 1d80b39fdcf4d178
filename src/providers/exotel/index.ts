import type { Delivery, Provider } from "../../core/provider.ts";
import { parsedOnce } from "../../lib/body.ts";
import { verifySecret } from "../../lib/secrets.ts";
import { callDetails } from "./call-details.ts";
import { ccm } from "./ccm.ts";
import type { Dialect } from "./event.ts";
import { appNotification, notification } from "./notification.ts";
import { passthru, popup } from "./passthru.ts";
import { createPolling } from "./polling.ts";
import { openRecording } from "./recording.ts";
import { type ExotelSettings, exotelSettings } from "./settings.ts";
import { simulation } from "./simulate.ts";
import { statusCallback } from "./status-callback.ts";
import { type ExotelMessage, messageOf } from "./wire.ts";

/** All of them arrive at one URL; the first that recognises a message decodes it. */
const dialects: readonly Dialect[] = [
  ccm,
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
  settings: exotelSettings,
  methods: ["GET", "POST"],
  keepHeaders: [],
  verify: (head, { secret }, proof) => verifySecret(head, secret, proof),
  ...parsedOnce(understood, {
    read: ({ dialect, message }) => ({ kind: dialect.kind(message) }),
    decode: ({ dialect, message }) =>
      message.callId === undefined ? [] : dialect.events(message, message.callId),
  }),
  polling: createPolling(),
  recording: openRecording,
  simulate: simulation,
};

function understood(delivery: Delivery): { dialect: Dialect; message: ExotelMessage } {
  const message = messageOf(delivery);
  return { message, dialect: dialects.find((dialect) => dialect.speaks(message)) ?? statusCallback };
}
