import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

export type Upstream = Awaited<ReturnType<typeof startUpstream>>;

/** A provider's file server on loopback. `requests`: what it was asked; `left`: how many askers left before the end. */
export async function startUpstream(answer: RequestListener, host = "127.0.0.1") {
  const requests: IncomingMessage[] = [];
  let left = 0;
  const server = createServer((request, response) => {
    requests.push(request);
    response.once("close", () => {
      if (!response.writableFinished) left += 1;
    });
    answer(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, host, listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${port}`,
    port,
    requests,
    left: () => left,
    async stop(): Promise<void> {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Serves bytes as S3 does: ranges, 416, an ETag, `application/octet-stream`. */
export function fileServer(bytes: Buffer, type = "application/octet-stream"): RequestListener {
  return (request, response) => {
    const common = { "content-type": type, "accept-ranges": "bytes", etag: '"v1"' };
    const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    if (from === "" && to === "") {
      response.writeHead(200, { ...common, "content-length": bytes.length }).end(bytes);
      return;
    }
    const start = from === "" ? bytes.length - Number(to) : Number(from);
    const end = from === "" || to === "" ? bytes.length - 1 : Math.min(Number(to), bytes.length - 1);
    if (start >= bytes.length) {
      response.writeHead(416, { ...common, "content-range": `bytes */${bytes.length}` }).end("<Error/>");
      return;
    }
    const part = bytes.subarray(start, end + 1);
    response.writeHead(206, {
      ...common,
      "content-range": `bytes ${start}-${end}/${bytes.length}`,
      "content-length": part.length,
    });
    response.end(part);
  };
}
