import type { Provider } from "../../core/provider.ts";
import { parsedOnce } from "../../lib/body.ts";
import { polling } from "./polling.ts";
import { createRecordings } from "./recording.ts";
import { type BirdSettings, settings } from "./settings.ts";
import { headerNames, verifySignature } from "./signature.ts";
import { simulate } from "./simulate.ts";
import { decode, parse } from "./wire.ts";

export const bird: Provider<BirdSettings> = {
  id: "bird",
  label: "Bird",
  settings,
  methods: ["POST"],
  // When it was first sent, and the message id of the platform; the signatures are not needed later.
  keepHeaders: [headerNames.timestamp, headerNames.platformId, headerNames.platformTimestamp],
  verify: verifySignature,
  ...parsedOnce(parse, { read: ({ kind }) => ({ kind }), decode }),
  polling,
  recording: createRecordings(Date.now),
  simulate,
};
