import { afterEach, describe, expect, test } from "vitest";
import type { ProviderError } from "../../src/core/errors.ts";
import { exotel } from "../../src/providers/exotel/index.ts";
import { startUpstream } from "../support/upstream.ts";
import { type Asked, callAt, idsOf, knownCall, openExotel, placeAll } from "./exotel-polled.ts";

let api: Asked;
afterEach(() => api.stop());

/** How asking for all calls ends. */
async function failure(asking: AsyncIterable<unknown> = api.pages()): Promise<ProviderError> {
  try {
    for await (const _page of asking);
  } catch (error) {
    return error as ProviderError;
  }
  throw new Error("it did not fail");
}

/** Answers every request with this page, in place of the emulator. */
async function askedOf(answer: (url: string) => object): Promise<{ error: ProviderError; urls: string[] }> {
  api = await openExotel();
  const other = await startUpstream(({ url = "" }, response) => response.end(JSON.stringify(answer(url))));
  try {
    const error = await failure(api.pages(api.day, undefined, { apiUrl: other.url }));
    return { error, urls: other.requests.map(({ url = "" }) => url) };
  } finally {
    await other.stop();
  }
}

describe("Exotel that does not tell", () => {
  test.each([
    [{ type: "status", status: 503 }, "later", undefined],
    [{ type: "status", status: 429 }, "later", 60_000],
    [{ type: "status", status: 429, headers: { "retry-after": "7" } }, "later", 7_000],
    [{ type: "status", status: 200, text: "<html>" }, "later", undefined],
    [{ type: "status", status: 200, body: { Calls: "none" } }, "later", undefined],
    [{ type: "reset" }, "later", undefined],
    [{ type: "status", status: 400, body: { RestException: { Message: "no" } } }, "never", undefined],
  ] as const)("with %j is asked %s", async (fault, retry, afterMs) => {
    api = await openExotel();
    placeAll(api.emulator, [callAt(0)]);
    api.emulator.faults.add({ ...fault });
    expect(await failure()).toMatchObject({ name: "ProviderError", retry, afterMs });
  });

  test("refuses a wrong key for good", async () => {
    api = await openExotel();
    expect(await failure(api.pages(api.day, undefined, { apiToken: "wrong" }))).toMatchObject({
      retry: "never",
      message: expect.stringContaining("credentials"),
    });
  });

  test("knows no such account: the region may be the other one", async () => {
    api = await openExotel();
    const error = await failure(api.pages(api.day, undefined, { accountSid: "other/../x" }));
    expect(error).toMatchObject({ retry: "never", message: expect.stringContaining("api.in.exotel.com") });
  });

  test("gives the pages before a refusal", async () => {
    api = await openExotel({ requestsPerMinute: 1 });
    placeAll(
      api.emulator,
      Array.from({ length: 120 }, (_, i) => callAt(i)),
    );
    const asking = api.pages()[Symbol.asyncIterator]();
    expect(idsOf((await asking.next()).value ?? [])).toHaveLength(100);
    await expect(asking.next()).rejects.toMatchObject({ retry: "later", afterMs: 60_000 });
  });

  test("fails calls that are asked for again, too", async () => {
    api = await openExotel();
    api.emulator.faults.add({ type: "status", status: 500 });
    await expect(api.askedAgain([knownCall("a")])).rejects.toMatchObject({ retry: "later" });
  });
});

describe("the next page", () => {
  const page = (NextPageUri: unknown) => ({
    Calls: [{ Sid: "a", Status: "busy" }],
    Metadata: { NextPageUri },
  });

  test("is asked for at the host of the settings, wherever it is said to be", async () => {
    const { error, urls } = await askedOf((url) =>
      url.includes("After=") ? {} : page("https://evil.example.com/Calls.json?After=x%26y&PageSize=9"),
    );
    expect(error).toMatchObject({ retry: "later" });
    expect(urls).toHaveLength(2);
    const query = new URLSearchParams(urls[1]?.split("?")[1]);
    expect([query.get("After"), query.get("PageSize")]).toEqual(["x&y", "100"]);
    expect(query.get("DateCreated")).toBe("gte:2026-03-01 05:30:00;lte:2026-03-02 05:29:59");
  });

  test("without a beginning is no end in silence", async () => {
    const { error } = await askedOf(() => page("/v1/Accounts/demo/Calls.json?Page=2"));
    expect(error).toMatchObject({ retry: "never" });
  });

  test("that leads back is not followed for ever", async () => {
    const { error, urls } = await askedOf(() => page("?After=x"));
    expect(error).toMatchObject({ retry: "later" });
    expect(urls).toHaveLength(2);
  });

  test("is not asked for when nobody waits any more", async () => {
    api = await openExotel();
    placeAll(
      api.emulator,
      Array.from({ length: 120 }, (_, i) => callAt(i)),
    );
    const left = new AbortController();
    const asking = api.pages(api.day, left.signal)[Symbol.asyncIterator]();
    await asking.next();
    left.abort(new Error("stopped"));
    await expect(asking.next()).rejects.toThrow("stopped");
    expect(api.emulator.requests).toHaveLength(1);
  });
});

describe("an API that says more than it was asked", () => {
  const row = (Sid: string) => ({ Sid, Status: "busy" });
  const answers = async (answer: (url: string) => object) => {
    api = await openExotel();
    const other = await startUpstream(({ url = "" }, response) => response.end(JSON.stringify(answer(url))));
    return { other, settings: { apiUrl: other.url } };
  };

  test("by telling a call on two pages is heard once", async () => {
    const { other, settings } = await answers((url) =>
      url.includes("After=")
        ? { Calls: [row("b"), row("c")] }
        : { Calls: [row("a"), row("b")], Metadata: { NextPageUri: "?After=x" } },
    );
    const ids: string[] = [];
    for await (const page of api.pages(api.day, undefined, settings)) ids.push(...idsOf(page));
    await other.stop();
    expect(ids).toEqual(["a", "b", "c"]);
  });

  test("by telling of other calls is not heard", async () => {
    const { other, settings } = await answers((url) =>
      url.includes("/Calls/") ? { Call: row("z") } : { Calls: [row("a"), { Sid: "b", Status: "completed" }] },
    );
    const again = await api.askedAgain([knownCall("b")], undefined, settings);
    await other.stop();
    expect(idsOf(again)).toEqual(["b"]);
  });
});

test("what has to be set before Exotel can be asked is said", async () => {
  api = await openExotel();
  const lacks = (given: object) =>
    exotel.polling?.lacks(exotel.settings.parse({ secret: "demo-key", ...given }));
  expect(lacks({})).toContain("accountSid and apiKey and apiToken");
  expect(lacks({ apiKey: "a", accountSid: "b" })).toContain("without apiToken:");
  expect(lacks({ apiKey: "a", accountSid: "b", apiToken: "c" })).toBeUndefined();
  expect(await failure(api.pages(api.day, undefined, { apiToken: undefined }))).toMatchObject({
    retry: "never",
  });
});
