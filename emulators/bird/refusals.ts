import { type EmulatorReply, Refusal } from "../contract.ts";

/** unverified: the words; Bird says no more than that the body is JSON and tells what is wrong. */
function refusal(status: number, code: string, message: string): EmulatorReply {
  return { status, body: { code, message } };
}

export const unauthorized = refusal(401, "Unauthorized", "The access key is missing or not valid.");
export const tooMany = refusal(429, "TooManyRequests", "Too many requests: try again later.");
export const notFound = refusal(404, "NotFound", "The requested resource was not found.");

export function invalid(message: string): Refusal {
  return new Refusal(refusal(422, "InvalidPayload", `The request did not pass validation: ${message}`));
}
