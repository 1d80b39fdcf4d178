import { randomUUID } from "node:crypto";
import { type EmulatorReply, Refusal } from "../contract.ts";

export type ErrorDetail = {
  message: string;
  code?: string;
  subCategory?: string;
  context?: Record<string, string[]>;
};

/** What is wrong with one row, or with a whole request. */
export type Problem = {
  status: number;
  category: string;
  message: string;
  errors?: ErrorDetail[];
  context?: Record<string, string[]>;
  subCategory?: string;
};

/** The envelope of every error. */
export function problemReply(problem: Problem): EmulatorReply {
  const { status, ...rest } = problem;
  return { status, body: { status: "error", ...rest, correlationId: randomUUID() } };
}

export function refuse(problem: Problem): Refusal {
  return new Refusal(problemReply(problem));
}

export function invalid(message: string, more: Partial<Problem> = {}): Problem {
  return { status: 400, category: "VALIDATION_ERROR", message, ...more };
}

export const notFound: Problem = {
  status: 404,
  category: "OBJECT_NOT_FOUND",
  message: "resource not found",
};

export function missingScopes(scopes: readonly string[]): Problem {
  const message =
    "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.";
  return {
    status: 403,
    category: "MISSING_SCOPES",
    message,
    errors: [
      {
        message: "One or more of the following scopes are required.",
        context: { requiredGranularScopes: [...scopes] },
      },
    ],
  };
}

const policies: Record<string, string> = {
  TEN_SECONDLY_ROLLING: "You have reached your ten_secondly_rolling limit.",
  SECONDLY: "You have reached your secondly limit.",
  DAILY: "You have reached your daily limit.",
};

export function tooManyRequests(policyName: string, retryAfterSeconds?: number): EmulatorReply {
  return {
    status: 429,
    ...(retryAfterSeconds === undefined ? {} : { headers: { "retry-after": String(retryAfterSeconds) } }),
    body: {
      status: "error",
      message: policies[policyName] ?? `You have reached your ${policyName.toLowerCase()} limit.`,
      errorType: "RATE_LIMIT",
      correlationId: randomUUID(),
      policyName,
      groupName: "publicapi:private-apps:calls:12345",
      ...(policyName === "DAILY" ? { requestId: randomUUID() } : {}),
    },
  };
}

export const expired: Problem = {
  status: 401,
  category: "EXPIRED_AUTHENTICATION",
  message: "The OAuth token used to make this call expired 2 minute(s) ago.",
};

export const unauthenticated: Problem = {
  status: 401,
  category: "INVALID_AUTHENTICATION",
  message:
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
};
