import { type EmulatorReply, Refusal } from "../server.ts";

/** Statuses and sentences as in openapi.yaml (2026-10). Not verified: whether the API words them so. */
const sentences = {
  400: "Invalid request format, please check API reference.",
  401: "API key is missing or invalid.",
  404: "The requested resource was not found.",
  422: "Cannot find requested asset under given api key.",
  429: "Account rate limited, please throttle your requests.",
} as const;

export function problem(status: keyof typeof sentences): EmulatorReply {
  return { status, body: { status: "error", message: sentences[status] } };
}

export function refuse(status: keyof typeof sentences): never {
  throw new Refusal(problem(status));
}
