import type { Provider } from "../../core/contracts.ts";
import { decode } from "./decode.ts";
import { polling } from "./polling.ts";
import { openRecording } from "./recording.ts";
import { reply } from "./reply.ts";
import { type RetellSettings, settings } from "./settings.ts";
import { verifySignature } from "./signature.ts";
import { simulate } from "./simulate.ts";
import { read } from "./wire.ts";

export const retell: Provider<RetellSettings> = {
  id: "retell",
  label: "Retell AI",
  settings,
  methods: ["POST"],
  keepHeaders: [],
  // Transcripts with the time of each word grow with the call; the largest is not documented.
  bodyBytes: 5_242_880,
  verify: ({ headers }, { apiKey }, { now }) => verifySignature(headers, apiKey, now),
  read,
  decode,
  reply,
  polling,
  recording: openRecording,
  simulate,
};
