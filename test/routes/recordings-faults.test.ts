import { describe, expect, test } from "vitest";
import { playRecording, recordedCall, servedWith } from "../support/recorded.ts";
import { fileServer } from "../support/upstream.ts";

const world = playRecording();
const { play, warnings } = world;
const errorOf = async (response: Response) => ((await response.json()) as { error: string }).error;

describe("a provider that does not give the recording", () => {
  test.each([
    [401, 502, /refuses the recording \(401\): check its API credentials/],
    [403, 502, /check its API credentials/],
    [404, 404, /does not have this recording/],
    [429, 502, /answered 429 instead of the recording: try again later/],
    [500, 502, /answered 500/],
    [204, 502, /answered 204/],
  ])("with %i makes a %i with a sentence", async (given, status, sentence) => {
    world.answer = (_, response) => response.writeHead(given, { "x-amz-secret": "1" }).end();
    const response = await play();
    expect(response.status).toBe(status);
    expect(await errorOf(response)).toMatch(sentence);
    expect(response.headers.get("x-amz-secret")).toBeNull();
  });

  test.each(["text/html; charset=utf-8", "application/json", "application/xml"])(
    "but a page of %s makes a 502",
    async (type) => {
      world.answer = (_, response) => response.writeHead(200, { "content-type": type }).end("<script>");
      const response = await play();
      expect([response.status, await errorOf(response)]).toEqual([
        502,
        expect.stringMatching(/a page instead/),
      ]);
    },
  );

  test("because nobody listens there makes a 502, told to the operator without any link", async () => {
    world.answer = (request) => request.socket.destroy();
    const response = await play();
    expect([response.status, await errorOf(response)]).toEqual([
      502,
      expect.stringMatching(/cannot be reached/),
    ]);
    expect(warnings).toEqual([[expect.objectContaining({ provider: "exotel" }), expect.any(String)]]);
    expect(JSON.stringify(warnings)).not.toMatch(/secret-place|recordings\//);
  });

  test("because its own link has expired makes a 410 that says so", async () => {
    world.answer = (_, response) => response.writeHead(403).end();
    const { path: signed } = await recordedCall(
      world.server(),
      "retell",
      `${world.upstream().url}/a.wav","opt_in_signed_url":true,"_":"`,
    );
    const { flow } = world.server().parts;
    const later = { ...world.server().parts, flow: { ...flow, now: () => Date.now() + 25 * 3_600_000 } };
    await servedWith(later, {}, async (url) => {
      const response = await fetch(`${url}${signed}`);
      expect(response.status).toBe(410);
      expect(await response.text()).toMatch(/link to this recording expired at 20/);
    });
    expect((await fetch(`${world.server().url}${signed}`)).status).toBe(502);
  });
});

describe("credentials", () => {
  const askedWith = () =>
    world
      .upstream()
      .requests.splice(0)
      .map(({ headers }) => headers.authorization);

  test("are not sent beside a signature in the link", async () => {
    world.answer = fileServer(Buffer.from("audio"));
    world.upstream().requests.splice(0);
    const signed = await recordedCall(
      world.server(),
      "exotel",
      `${world.upstream().url}/a.mp3?X-Amz-Signature=1`,
    );
    expect((await fetch(`${world.server().url}${signed.path}`)).status).toBe(200);
    expect(askedWith()).toEqual([undefined]);
  });

  test("are left out when the store answers that it does not know that kind", async () => {
    world.answer = (request, response) =>
      response.writeHead(request.headers.authorization ? 400 : 200).end("audio");
    expect(await (await play()).text()).toBe("audio");
    expect(askedWith()).toEqual([expect.stringMatching(/^Basic /), undefined]);
  });
});
