import { ArchiveError, messageOf, type Retry } from "../core/errors.ts";
import { quoted } from "../core/mask.ts";

/** A bucket, for people: its name, and where it is. */
export type BucketName = { bucket: string; at: string };

/** What the SDK throws for an answer. `name`: S3's own code, such as "NoSuchKey". */
type Refusal = Error & { $metadata: { httpStatusCode?: number; requestId?: string } };

const longestText = 200;

/** The code and status of S3's answer, or undefined when none came. */
export function answerOf(error: unknown): { code: string; status: number } | undefined {
  if (!isRefusal(error)) return undefined;
  const { httpStatusCode: status } = error.$metadata;
  return status === undefined ? undefined : { code: error.name, status };
}

/** What S3 refused, in words, with a cure; without what it echoes, which has the key's id in it. */
export function s3Error(error: unknown, { bucket, at }: BucketName): ArchiveError {
  if (error instanceof ArchiveError) return error;
  const answer = answerOf(error);
  if (!answer) {
    const why = `${at} cannot be reached (${codeOf(error)}): look at the network, and at the endpoint in the settings`;
    return new ArchiveError("later", why, { cause: error });
  }
  const { code, status } = answer;
  const known = problems[code] ?? problemOf(status);
  const text = known.text.replaceAll("{bucket}", bucket).replaceAll("{at}", at);
  const id = isRefusal(error) ? error.$metadata.requestId : undefined;
  const cause = new Error(
    `${code}: ${messageOf(error).slice(0, longestText)}${id ? ` (request ${id})` : ""}`,
  );
  return new ArchiveError(known.retry, `${text} (${code}, ${status})`, { cause });
}

type Problem = { retry: Retry; text: string };

const keyIsWrong: Problem = {
  retry: "never",
  text: "{at} does not know the access key: check accessKeyId, and that the key is active",
};
const keyIsShort: Problem = {
  retry: "never",
  text: "the access key may not do this in the bucket {bucket}: allow it s3:PutObject, s3:GetObject, s3:DeleteObject and s3:ListBucket there",
};
const wrongRegion: Problem = {
  retry: "never",
  text: "the bucket {bucket} is in another region than the settings say: correct the region, or the endpoint",
};
const busy: Problem = { retry: "later", text: "{at} is busy or out of order just now" };
const damaged: Problem = { retry: "later", text: "the recording was damaged on its way to {at}" };

const problems: Readonly<Record<string, Problem>> = {
  InvalidAccessKeyId: keyIsWrong,
  InvalidClientTokenId: keyIsWrong,
  InvalidToken: keyIsWrong,
  ExpiredToken: keyIsWrong,
  SignatureDoesNotMatch: {
    retry: "never",
    text: "{at} refuses the secret of the access key: check secretAccessKey",
  },
  AccessDenied: keyIsShort,
  AllAccessDisabled: keyIsShort,
  AccountProblem: { retry: "never", text: "{at} refuses the account of the access key: look at its billing" },
  NoSuchBucket: {
    retry: "never",
    text: "{at} has no bucket {bucket}: create it, or correct bucket, region or endpoint in the settings",
  },
  PermanentRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  IllegalLocationConstraintException: wrongRegion,
  RequestTimeTooSkewed: {
    retry: "later",
    text: "the clock of this machine is wrong by more than {at} allows: set it, best by NTP",
  },
  BadDigest: damaged,
  IncompleteBody: damaged,
  XAmzContentSHA256Mismatch: damaged,
  InvalidObjectState: {
    retry: "never",
    text: "the recording lies in a storage class that has to be restored first: restore it in the bucket {bucket}",
  },
  EntityTooLarge: { retry: "never", text: "the recording is larger than {at} takes" },
  RequestTimeout: busy,
  OperationAborted: busy,
  SlowDown: busy,
};

function problemOf(status: number): Problem {
  if (status === 401 || status === 403) return keyIsShort;
  if (status === 301 || status === 307) return wrongRegion;
  if (status >= 500 || status === 408 || status === 409 || status === 429) return busy;
  return {
    retry: "never",
    text: "{at} refuses what it was asked: does it speak S3, and is the endpoint right?",
  };
}

function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && "$metadata" in error && typeof error.$metadata === "object";
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error
    ? String(error.code)
    : quoted(messageOf(error), longestText);
}
