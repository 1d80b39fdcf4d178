import { request as forward } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createGuard } from "../../src/routes/guard.ts";
import { publicUrl, startServer, type TestServer } from "../support/server.ts";
import { startUpstream } from "../support/upstream.ts";

let server: TestServer;
let proxy: Awaited<ReturnType<typeof startUpstream>> | undefined;
afterEach(async () => {
  await proxy?.stop();
  proxy = undefined;
  await server.stop();
});

/**
 * As nginx does with nothing but `proxy_pass http://127.0.0.1:<port>;`: HTTP/1.0, `Host` of the server behind it,
 * `Connection: close`, and no header that tells of the client (nginx 1.22, 2026-11). Newer ones (1.29.7) speak HTTP/1.1.
 */
const plainProxy = (version: "1.0" | "1.1") =>
  startUpstream((request, response) => {
    const { hostname, port } = new URL(server.url);
    const { host: _, connection: __, ...others } = request.headers;
    const headers = Object.entries({ ...others, host: `${hostname}:${port}`, connection: "close" });
    const socket = connect(Number(port), hostname, () => {
      const lines = headers.map(([name, value]) => `${name}: ${String(value)}`);
      socket.write([`${request.method} ${request.url} HTTP/${version}`, ...lines, "", ""].join("\r\n"));
      request.pipe(socket, { end: false });
    });
    let answer = "";
    socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
    socket.on("close", () => {
      response.writeHead(Number(answer.split(" ", 2)[1])).end(answer.split("\r\n\r\n")[1]);
    });
  });

const ask = (url: string, path: string, host = "calls.example.com", authorization?: string) =>
  new Promise<number>((resolve, reject) => {
    const headers = { host, ...(authorization && { authorization }) };
    forward(`${url}${path}`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });

const guarded = ["/", "/metrics", "/api/calls", "/api/installations", "/api/events", "/api/openapi.json"];

describe("behind a reverse proxy with nginx's defaults", () => {
  test.each(["1.0", "1.1"] as const)("strangers get no admin route (HTTP/%s)", async (version) => {
    const token = "the-admin-token-1";
    server = await startServer({ environment: { SWITCHHOOK_ADMIN_TOKEN: token } });
    proxy = await plainProxy(version);
    for (const path of guarded) expect(await ask(proxy.url, path), path).toBe(401);
    expect(await ask(proxy.url, "/api/calls", "x", `Bearer ${token}`)).toBe(200);
    expect(await ask(proxy.url, "/healthz")).toBe(200);
  });

  test("a server that believes to be alone does not answer what speaks HTTP/1.0", async () => {
    server = await startServer({ file: { publicUrl: "http://localhost:8484" } });
    proxy = await plainProxy("1.0");
    for (const path of guarded) expect(await ask(proxy.url, path), path).toBe(403);
    expect(await ask(server.url, "/api/calls", "localhost")).toBe(200);
  });

  test("a public URL without a token is refused at the start", async () => {
    server = await startServer();
    await expect(startServer({ environment: { SWITCHHOOK_ADMIN_TOKEN: "" } })).rejects.toThrow(
      `publicUrl: ${publicUrl} can be reached from other machines`,
    );
  });

  test("a public URL that came without a token all the same opens nothing", async () => {
    server = await startServer({ file: { publicUrl: "http://localhost:8484" } });
    const { config } = server.parts;
    Object.assign(config, { publicUrl });
    const guard = createGuard(server.parts);
    const request = { socket: { remoteAddress: "127.0.0.1" }, headers: { host: "127.0.0.1" }, method: "GET" };
    const entering = async () => guard(request as never, { setHeader() {} } as never);
    await expect(entering()).rejects.toMatchObject({ status: 403 });
  });
});
