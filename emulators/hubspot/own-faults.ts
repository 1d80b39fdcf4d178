import type { EmulatorReply, OwnFault } from "../contract.ts";
import { isOAuthStatus, oauthProblem } from "./oauth-problems.ts";
import { problemReply, tooManyRequests } from "./refusals.ts";

/**
 * `{ type: "429", policy, retryAfter? }`, `{ type: "conflict" }`, which refuses a whole batch, and
 * `{ type: "oauth", status }`, for example with the status BAD_HUB.
 */
export function ownFault(fault: OwnFault): EmulatorReply {
  if (fault.type === "429") {
    const retryAfter = fault["retryAfter"];
    return tooManyRequests(
      String(fault["policy"] ?? "TEN_SECONDLY_ROLLING"),
      retryAfter === undefined ? undefined : Number(retryAfter),
    );
  }
  if (fault.type === "conflict") {
    const message = "Conflict while writing the batch, nothing was written.";
    return problemReply({ status: 409, category: "CONFLICT", message });
  }
  const status = String(fault["status"]);
  if (fault.type === "oauth" && isOAuthStatus(status)) return oauthProblem(status);
  return problemReply({ status: 500, category: "EMULATOR", message: `There is no fault "${fault.type}".` });
}
