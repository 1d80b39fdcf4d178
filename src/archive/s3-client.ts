import { hash } from "node:crypto";
import { once } from "node:events";
import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as plainRequest,
} from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { isIP } from "node:net";
import { pipeline, type Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { AwsV4Signer } from "aws4fetch";
import { refusalOf, S3Refusal } from "./s3-errors.ts";
import type { S3Settings } from "./settings.ts";

type S3Request = {
  method: "GET" | "PUT" | "DELETE";
  place: string;
  headers?: Readonly<Record<string, string>>;
  /** Its length is in the headers. A request with a body is sent once only, others are retried. */
  body?: Readable;
  signal: AbortSignal;
};

export type S3Client = {
  /** The response with a status of 200-299, unread. Throws `S3Refusal` for any other status. */
  send(request: S3Request): Promise<IncomingMessage>;
  close(): void;
};

const connectMs = 10_000;
/** How long a server may take to say that it wants the body; many that speak S3 never say so. */
const continueMs = 1_000;
const maxAttempts = 3;
const firstPauseMs = 100;
/** Each listener holds a connection, also while paused. */
const maxSockets = 500;
const longestPage = 65_536;
const noBody = hash("sha256", "");

export function createS3Client(settings: S3Settings): S3Client {
  const { region, accessKeyId, secretAccessKey } = settings;
  const bucketUrl = urlOfBucket(settings);
  const isTls = bucketUrl.startsWith("https:");
  const agent = new (isTls ? TlsAgent : HttpAgent)({ keepAlive: true, maxSockets });
  const signingKeys = new Map<string, ArrayBuffer>();

  const sendOnce = async ({ method, place, headers, body, signal }: S3Request): Promise<IncomingMessage> => {
    const signer = new AwsV4Signer({
      method,
      url: `${bucketUrl}/${place}`,
      headers: { "user-agent": "Switchhook", "x-amz-content-sha256": noBody, ...headers },
      service: "s3",
      region,
      accessKeyId,
      secretAccessKey,
      cache: signingKeys,
    });
    const signed = await signer.sign();
    const request = (isTls ? tlsRequest : plainRequest)(signed.url, {
      method,
      headers: { ...Object.fromEntries(signed.headers), ...(body && { expect: "100-continue" }) },
      agent,
      signal,
    });
    // A body that was not sent to its end may still fail after the response.
    request.on("error", () => {});
    limitConnecting(request);
    const responded = once(request, "response");
    if (body) sendWhenWanted(body, request);
    else request.end();
    const [response] = (await responded) as [IncomingMessage];
    const { statusCode: status = 0, headers: answered } = response;
    if (status >= 200 && status < 300) return response;
    const page = await pageOf(response);
    request.destroy();
    throw refusalOf(status, page, String(answered["x-amz-request-id"] ?? ""));
  };

  return {
    async send(request) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await sendOnce(request);
        } catch (error) {
          if (request.body || attempt === maxAttempts || request.signal.aborted || !isTemporary(error))
            throw error;
          await pause(Math.random() * firstPauseMs * 2 ** attempt, undefined, { signal: request.signal });
        }
      }
    },
    close: () => agent.destroy(),
  };
}

/** `https://bucket.s3.region.amazonaws.com`, or the bucket in the path where a host name cannot have it. */
function urlOfBucket({ bucket, region, endpoint, forcePathStyle }: S3Settings): string {
  const suffix = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const base = new URL(endpoint ?? `https://s3.${region}.${suffix}`);
  const canBeInHost = /^[a-z0-9-]+$/.test(bucket) && isIP(base.hostname.replace(/^\[|\]$/g, "")) === 0;
  const path = base.pathname.replace(/\/+$/, "");
  return canBeInHost && !(forcePathStyle ?? endpoint !== undefined)
    ? `${base.protocol}//${bucket}.${base.host}${path}`
    : `${base.origin}${path}/${bucket}`;
}

function limitConnecting(request: ClientRequest): void {
  request.once("socket", (socket) => {
    if (!socket.connecting) return;
    const late = () =>
      request.destroy(Object.assign(new Error("connecting took too long"), { code: "ETIMEDOUT" }));
    const timer = setTimeout(late, connectMs);
    socket.once("connect", () => clearTimeout(timer));
    request.once("close", () => clearTimeout(timer));
  });
}

/** S3 refuses a request by its headers, before the body is sent. */
function sendWhenWanted(body: Readable, request: ClientRequest): void {
  const start = () => {
    stop();
    pipeline(body, request, () => {});
  };
  const timer = setTimeout(start, continueMs);
  const stop = () => {
    clearTimeout(timer);
    request.off("continue", start).off("response", stop).off("close", stop);
  };
  request.on("continue", start).on("response", stop).on("close", stop);
}

/** The beginning of an error's XML, or of a page that is not from S3. */
async function pageOf(response: IncomingMessage): Promise<string> {
  let page = "";
  try {
    for await (const chunk of response.setEncoding("utf8")) {
      page += chunk;
      if (page.length > longestPage) break;
    }
  } catch {
    // The status is enough.
  }
  return page;
}

function isTemporary(error: unknown): boolean {
  return (
    !(error instanceof S3Refusal) || error.status === 429 || error.status >= 500 || error.code === "SlowDown"
  );
}

/** Aborts `signal` when `ms` pass without `extend`, or with another signal. */
export type Deadline = { signal: AbortSignal; extend(): void; hasPassed(): boolean; clear(): void };

export function createDeadline(ms: number, outer: AbortSignal | undefined): Deadline {
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined = setTimeout(() => late.abort(), ms);
  return {
    signal: outer ? AbortSignal.any([outer, late.signal]) : late.signal,
    extend: () => void timer?.refresh(),
    hasPassed: () => late.signal.aborted,
    clear: () => {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
