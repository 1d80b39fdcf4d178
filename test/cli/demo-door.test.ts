import { request } from "node:http";
import { expect, test } from "vitest";
import { server, workFolder } from "./support.ts";

const path = "/webhooks/demo/voys?key=demo-key";

test("the demo, whose secrets are public, takes webhooks of this machine only", async () => {
  const { url } = await server(workFolder());
  const send = (headers: Record<string, string>) =>
    new Promise<number>((resolve, reject) => {
      request(`${url}${path}`, { method: "POST", headers }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on("error", reject)
        .end("{}");
    });
  const ours = await send({});
  expect([200, 400]).toContain(ours);
  for (const host of ["localhost:8484", "127.0.0.1"]) expect(await send({ host })).toBe(ours);
  expect(await send({ host: "rebound.example" })).toBe(403);
  expect(await send({ origin: "https://evil.example" })).toBe(403);
  expect(await send({ origin: "null" })).toBe(403);
  expect(await send({ "sec-fetch-site": "cross-site" })).toBe(403);
});
