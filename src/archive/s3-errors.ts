import { ArchiveError, messageOf, type Retry } from "../core/errors.ts";
import { quoted } from "../core/mask.ts";

/** How messages name a bucket: by its name, and the host or region it is in. */
export type BucketName = { bucket: string; at: string };

/** A response with a status other than 200-299. `code`: S3's own, such as "NoSuchKey". `size`: of the object, when a range lies outside. */
export class S3Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly size: number | undefined;

  constructor(
    message: string,
    { status, code, size }: { status: number; code: string; size: number | undefined },
  ) {
    super(message);
    this.name = "S3Refusal";
    this.status = status;
    this.code = code;
    this.size = size;
  }
}

const longestText = 200;

/** Reads the XML of an error; it may be a page of some other server. */
export function refusalOf(status: number, xml: string, requestId: string): S3Refusal {
  const element = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  const code = element("Code")?.slice(0, longestText) || "UnknownError";
  const size = Number(element("ActualObjectSize") ?? Number.NaN);
  const id = requestId || element("RequestId");
  const message = `${code}: ${(element("Message") ?? "").slice(0, longestText)}${id ? ` (request ${id})` : ""}`;
  return new S3Refusal(message, { status, code, size: Number.isSafeInteger(size) ? size : undefined });
}

/** What went wrong and what to do, without what S3 echoes: that contains the id of the key. */
export function s3Error(error: unknown, { bucket, at }: BucketName): ArchiveError {
  if (error instanceof ArchiveError) return error;
  if (!(error instanceof S3Refusal)) {
    const why = `${at} cannot be reached (${codeOf(error)}): look at the network, and at the endpoint in the settings`;
    return new ArchiveError("later", why, { cause: error });
  }
  const { code, status } = error;
  const known = problems[code] ?? problemOf(status);
  const text = known.text.replaceAll("{bucket}", bucket).replaceAll("{at}", at);
  return new ArchiveError(known.retry, `${text} (${code}, ${status})`, { cause: error });
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

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error
    ? String(error.code)
    : quoted(messageOf(error), longestText);
}
