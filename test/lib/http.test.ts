import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { codeOf, NoReply, objectIn, retryAfterMs, sendOnce } from "../../src/lib/http.ts";

let url: string;
const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? "", "http://x");
  if (pathname === "/silent") return;
  if (pathname === "/moved") return void response.writeHead(302, { location: "/" }).end();
  if (pathname === "/slow") return void response.write("{");
  const chunks: Buffer[] = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const { authorization, accept } = request.headers;
    const type = request.headers["content-type"];
    const body = Buffer.concat(chunks).toString();
    response.writeHead(pathname === "/no" ? 404 : 200, { "x-seen": "yes" });
    response.end(JSON.stringify({ method: request.method, authorization, accept, type, body }));
  });
});

beforeAll(async () => {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** An address where nothing listens. */
async function closedPort(): Promise<string> {
  const other = createServer();
  await new Promise<void>((ready) => other.listen(0, "127.0.0.1", ready));
  const { port } = other.address() as AddressInfo;
  await new Promise((closed) => other.close(closed));
  return `http://127.0.0.1:${port}`;
}

const timeoutMs = 5_000;
const failureOf = async (work: Promise<unknown>): Promise<NoReply> => {
  const error = await work.catch((thrown: unknown) => thrown);
  if (error instanceof NoReply) return error;
  throw new Error(`it was no NoReply: ${error}`);
};

describe("one request", () => {
  test("carries a form or JSON with its token, and returns any status", async () => {
    const form = await sendOnce({ url, method: "POST", form: { a: "b c" }, bearer: "t", timeoutMs });
    expect(form.headers.get("x-seen")).toBe("yes");
    expect(objectIn(form.text)).toMatchObject({ method: "POST", authorization: "Bearer t", body: "a=b+c" });
    const json = await sendOnce({ url: `${url}/no`, method: "PATCH", json: { a: 1 }, timeoutMs });
    expect(json.status).toBe(404);
    expect(objectIn(json.text)).toMatchObject({ type: "application/json", body: '{"a":1}' });
  });

  test.each(["/silent", "/slow"])("%s ends at its deadline", async (path) => {
    const error = await failureOf(sendOnce({ url: `${url}${path}`, timeoutMs: 50 }));
    expect(error).toMatchObject({ reason: "timeout", message: "did not answer within 0.05 s" });
  });

  test("says why there is no answer", async () => {
    const nowhere = await failureOf(sendOnce({ url: await closedPort(), timeoutMs }));
    expect(nowhere).toMatchObject({ reason: "network", message: "cannot be reached (ECONNREFUSED)" });
    expect((await failureOf(sendOnce({ url: `${url}/moved`, timeoutMs }))).reason).toBe("network");
    const long = await failureOf(sendOnce({ url, timeoutMs, maxBytes: 10 }));
    expect(long.reason).toBe("oversized");
  });

  test("stops with its signal, whose reason is the cause", async () => {
    const stop = new AbortController();
    const failure = failureOf(sendOnce({ url: `${url}/silent`, timeoutMs, signal: stop.signal }));
    const reason = new Error("closed");
    stop.abort(reason);
    expect(await failure).toMatchObject({ reason: "aborted", cause: reason });
  });
});

test.each([
  ["12", 12_000],
  ["0", 0],
  ["Fri, 20 Nov 2026 10:00:30 GMT", 30_000],
  ["soon", undefined],
  ["-1", undefined],
  ["", undefined],
  [null, undefined],
])("Retry-After %s is %s ms", (header, ms) => {
  expect(retryAfterMs(header, Date.UTC(2026, 10, 20, 10))).toBe(ms);
});

test.each([
  ['{"a":1}', { a: 1 }],
  ['[{"a":1}, {"b":2}]', { a: 1 }],
  ["[]", {}],
  ["1", {}],
  ["<html>", {}],
])("the object in %s", (text, object) => {
  expect(objectIn(text)).toEqual(object);
});

test("the code of an error may be that of its cause", () => {
  const cause = Object.assign(new Error("no"), { code: "ECONNRESET" });
  expect(codeOf(cause)).toBe("ECONNRESET");
  expect(codeOf(new Error("outer", { cause }))).toBe("ECONNRESET");
  expect(codeOf(Object.assign(new Error("no"), { code: 20 }))).toBeUndefined();
  expect(codeOf("no")).toBeUndefined();
});
