import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { recordedCall, startRecordingServer } from "../support/recorded.ts";
import { publicUrl, type TestServer, waitFor } from "../support/server.ts";
import { fileServer, startUpstream, type Upstream } from "../support/upstream.ts";

const audio = Buffer.alloc(50_000, 7);
let upstream: Upstream;
let server: TestServer;
let later = 0;

beforeAll(async () => {
  upstream = await startUpstream(fileServer(audio, "audio/mpeg"));
  server = await startRecordingServer(upstream, {
    file: { archive: { folder: "kept" } },
    now: () => Date.now() + later,
    settings: { recording: "archive", recordingLinkDays: 90 },
  });
});
beforeEach(() => {
  later = 0;
});
afterAll(async () => {
  await server.stop();
  await upstream.stop();
});

const statusAt = async (path: string) => {
  const response = await fetch(`${server.url}${path}`);
  await response.body?.cancel();
  return response.status;
};
const change = async (method: string, key: string, end = "") => {
  const response = await fetch(`${server.url}/api/calls/${encodeURIComponent(key)}/recording${end}`, {
    method,
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
};
/** Where the copy of a call's recording is, once there is one. */
const copyOf = async (key: string): Promise<string> => {
  const { store } = server.parts.flow;
  const id = (await store.call(key))?.row.id ?? 0;
  const place = await waitFor("the copy", async () => (await store.recording(id))?.place);
  const path = join(server.folder, "kept", place);
  expect(existsSync(path)).toBe(true);
  return path;
};
const record = () => recordedCall(server, "exotel", `${upstream.url}/one.mp3`);
const explained = async (key: string) =>
  (await fetch(`${server.url}/api/calls/${encodeURIComponent(key)}`)).json() as Promise<{
    call: { recording?: { state?: string } };
  }>;

describe("another link", () => {
  test("plays in place of the one before, also in the CRM", async () => {
    const { key, path } = await record();
    expect(await statusAt(path)).toBe(200);
    const { status, body } = await change("POST", key, "/link");
    expect(status).toBe(200);
    expect(await statusAt(path)).toBe(410);
    expect(await statusAt(new URL(body["url"] ?? "").pathname)).toBe(200);
    await waitFor("the CRM to have it", () =>
      server.crm().activities.some((one) => one["key"] === key && one["recordingUrl"] === body["url"]),
    );
  });

  test("is refused for a call without a recording, and for one that nobody knows", async () => {
    const call = inboundCall("exotel", { outcome: "no-answer", talkSeconds: 0 });
    await sendAll(server, "exotel", scriptOf(server, "exotel", call));
    await settledActivities(server);
    expect((await change("POST", `acme:exotel:${call.id}`, "/link")).status).toBe(409);
    expect((await change("POST", "acme:exotel:nobody", "/link")).status).toBe(404);
  });
});

describe("a recording that is deleted on request", () => {
  test("is gone from the archive, and no link to it plays", async () => {
    const { key, path } = await record();
    const copy = await copyOf(key);
    expect((await change("DELETE", key)).status).toBe(200);
    expect(existsSync(copy)).toBe(false);
    expect(await statusAt(path)).toBe(410);
    expect((await explained(key)).call.recording).toMatchObject({ available: false, state: "deleted" });
    expect((await change("DELETE", key)).status).toBe(200);
    expect((await change("DELETE", "acme:exotel:nobody")).status).toBe(404);
  });

  test("plays no more at once when its copy cannot be removed yet; that goes later", async () => {
    const { key, path } = await record();
    const copy = await copyOf(key);
    const { archive = expect.fail() } = server.parts;
    const { remove } = archive;
    archive.remove = () => Promise.reject(new Error("the bucket cannot be reached"));
    const { status, body } = await change("DELETE", key);
    expect([status, body["deleted"], body["copy"]]).toEqual([202, true, expect.stringMatching(/bucket/)]);
    expect(await statusAt(path)).toBe(410);
    archive.remove = remove;
    later = 60_000;
    await waitFor("the copy to go", () => !existsSync(copy));
  });

  test("does not come back with a new link", async () => {
    const { key, path } = await record();
    await change("DELETE", key);
    const { status, body } = await change("POST", key, "/link");
    expect([status, body["error"]]).toEqual([409, expect.stringMatching(/was deleted/)]);
    expect(await statusAt(path)).toBe(410);
  });
});

test("a link plays for as long as the setting says", async () => {
  const { path } = await record();
  later = 89 * 86_400_000;
  expect(await statusAt(path)).toBe(200);
  later = 91 * 86_400_000;
  expect(await statusAt(path)).toBe(410);
});

test("bytes that went out are counted by where they came from", async () => {
  const { key, path } = await record();
  await waitFor("the copy", async () => (await explained(key)).call.recording?.state === "kept");
  const counted = async () => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    return Number(/recording_bytes_total\{provider="exotel",source="archive"\} (\d+)/.exec(text)?.[1] ?? 0);
  };
  const before = await counted();
  expect(Buffer.from(await (await fetch(`${server.url}${path}`)).arrayBuffer())).toEqual(audio);
  await waitFor("the count", async () => (await counted()) === before + audio.length);
});

describe("the page with all that was said", () => {
  const transcriptOf = async (transcript: string): Promise<string> => {
    const call = inboundCall("retell");
    const script = scriptOf(server, "retell", call).map((request) => ({
      ...request,
      body: Buffer.from(
        Buffer.from(request.body)
          .toString()
          .replace(/"transcript":"[^"]*"/, () => `"transcript":${JSON.stringify(transcript)}`),
      ),
    }));
    const { length } = server.crm().activities;
    await sendAll(server, "retell", script);
    await settledActivities(server, length + 1);
    const row = (await server.parts.flow.store.call(`acme:retell:${call.id}`))?.row;
    const url = row && (await server.parts.recordings.links()).transcriptUrl(row);
    return url?.startsWith(`${publicUrl}/transcripts/`)
      ? url.slice(publicUrl.length)
      : expect.fail(String(url));
  };

  test("shows it whole and escaped, to whoever has the link", async () => {
    const said = `Agent: Hello <script>alert(1)</script>\nUser: ${"more and more ".repeat(5_000)}the end`;
    const path = await transcriptOf(said);
    const page = await (await fetch(`${server.url}${path}`)).text();
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(page).not.toContain("<script>");
    expect(page).toContain("the end</p>");
    expect(page).toContain("<h2>Summary</h2>");
    expect(page).toMatch(/<audio controls preload="none" src="\/recordings\/[^"]+"/);
  });

  test("is nobody's without the link", async () => {
    const path = await transcriptOf("Agent: Hello");
    expect(await statusAt(`${path.slice(0, -1)}${path.endsWith("A") ? "B" : "A"}`)).toBe(404);
    expect(await statusAt("/transcripts/1-abc")).toBe(404);
  });
});
