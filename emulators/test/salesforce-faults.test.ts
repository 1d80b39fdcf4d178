import { expect, test } from "vitest";
import { codeOf, codes, startOrg } from "./salesforce-requests.ts";

const call = (key: string, fields: Record<string, unknown> = {}) => ({ Call_Key__c: key, ...fields });
const done = { Status: "Completed" };

test("two updates at once for one account: the later one cannot lock it", async () => {
  const { salesforce, upsert } = await startOrg();
  const account = salesforce.people.addAccount({ Name: "Acme" });
  const [one, two, three] = ["One", "Two", "Three"].map((LastName) =>
    salesforce.people.addContact({ LastName, AccountId: LastName === "Three" ? null : account }),
  );
  await upsert([
    call("a", { ...done, WhoId: one }),
    call("b", { ...done, WhoId: two }),
    call("c", { ...done, WhoId: three }),
  ]);
  salesforce.latencyMs = 200;
  const first = upsert([call("a", { Subject: "1" })]);
  const second = upsert([
    call("b", { Subject: "2" }),
    call("c", { Subject: "3" }),
    call("d", { ...done, WhoId: one }),
  ]);
  const results = codes([...(await first), ...(await second)]);
  expect(results.toSorted()).toEqual(["UNABLE_TO_LOCK_ROW", "ok", "ok", "ok"].toSorted());
  expect(codes(await upsert([call("b", { Subject: "2" })]))).toEqual(["ok"]);
});

test("a new Task locks its people only when it is still open", async () => {
  const { salesforce, upsert } = await startOrg();
  const person = salesforce.people.addContact({ LastName: "Vos" });
  salesforce.latencyMs = 200;
  const both = async (fields: object) =>
    codes(
      (
        await Promise.all(
          ["a", "b"].map((key) => upsert([call(key + JSON.stringify(fields), { ...fields, WhoId: person })])),
        )
      ).flat(),
    );
  expect(await both(done)).toEqual(["ok", "ok"]);
  expect((await both({ Status: "Not Started" })).toSorted()).toEqual(["UNABLE_TO_LOCK_ROW", "ok"]);
});

test("a lock that somebody else holds fails all rows of a write, and nothing else", async () => {
  const { salesforce, upsert, ask, query } = await startOrg();
  const off = salesforce.faults.add({ type: "lock" });
  expect(codes(await upsert([call("a"), call("b")]))).toEqual(["UNABLE_TO_LOCK_ROW", "UNABLE_TO_LOCK_ROW"]);
  expect(codeOf(await ask("POST", "/sobjects/Task", {}))).toBe("400 UNABLE_TO_LOCK_ROW");
  expect((await query("SELECT Id FROM Task")).body).toMatchObject({ totalSize: 0 });
  off();
  expect(codes(await upsert([call("a")]))).toEqual(["ok"]);
});

test("the limit comes as 403, without a word about when", async () => {
  const { salesforce, query } = await startOrg();
  salesforce.faults.add({ type: "limit", match: "query", times: 1 });
  const answer = await query("SELECT Id FROM Task");
  expect(codeOf(answer)).toBe("403 REQUEST_LIMIT_EXCEEDED");
  expect(answer.headers.get("retry-after")).toBeNull();
  const next = await query("SELECT Id FROM Task");
  expect(next.headers.get("sforce-limit-info")).toBe("api-usage=1/100000");
});

test("a lost answer was work done", async () => {
  const { salesforce, upsert } = await startOrg();
  salesforce.faults.add({ type: "drop", match: "upsert", times: 1 });
  await expect(upsert([call("a")])).rejects.toThrow("fetch failed");
  expect((await upsert([call("a")]))[0]).toMatchObject({ success: true, created: false });
});

test("the limit begins anew after a day", async () => {
  let now = Date.parse("2026-05-01T12:00:00Z");
  const { query } = await startOrg({ dailyLimit: 1, now: () => now });
  const status = async () => (await query("SELECT Id FROM Task")).status;
  expect([await status(), await status()]).toEqual([200, 403]);
  now += 86_400_000;
  expect(await status()).toBe(200);
});

test("other processes switch and read it over HTTP", async () => {
  const { salesforce, upsert, query } = await startOrg();
  const put = (path: string, method: string, body: object) =>
    fetch(`${salesforce.url}/_emulator/${path}`, { method, body: JSON.stringify(body) });
  await put("faults", "POST", { type: "limit", times: 1 });
  expect(codeOf(await query("SELECT Id FROM Task"))).toBe("403 REQUEST_LIMIT_EXCEEDED");
  await put("settings", "PUT", { withPackage: false, dailyLimit: 5, searchLagMs: 1, parseErrors: "request" });
  expect(salesforce.settings).toEqual({
    withPackage: false,
    isAdmin: true,
    dailyLimit: 5,
    searchLagMs: 1,
    parseErrors: "request",
    duplicateRule: "alert",
  });
  expect(salesforce.dailyLimit).toBe(5);
  await put("settings", "PUT", { withPackage: true });
  await upsert([call("a")]);
  const seen = await (await fetch(`${salesforce.url}/_emulator`)).json();
  expect(seen).toMatchObject({ requests: { upsert: { 200: 1 } }, objects: { Task: 1 } });
});

test("a rep sees people with their calls and tasks", async () => {
  const { salesforce, upsert } = await startOrg();
  const { people } = salesforce;
  people.addField("Task", "Recording__c", "url");
  const owner = people.addUser({ LastName: "Bos" });
  const contact = people.addContact({ LastName: "<Vos>", Phone: "020 123" });
  const recording = "https://calls.example.com/r/1";
  const spoken = {
    TaskSubtype: "Call",
    CallType: "Inbound",
    CallDurationInSeconds: 65,
    Recording__c: recording,
  };
  await upsert([
    call("a", { ...done, ...spoken, Subject: "Call from Vos", WhoId: contact, OwnerId: owner }),
    call("b", { Subject: "Call back", WhoId: contact }),
    call("c", { Subject: "Nobody's" }),
  ]);
  const page = await (await fetch(salesforce.url)).text();
  expect(page).toContain("&lt;Vos&gt;");
  expect(page).toContain("Contact · 020 123");
  expect(page).toMatch(/Call from Vos[\s\S]*Bos · Inbound · 1 min 5 s/);
  expect(page).toContain(`href="${recording}"`);
  expect(page).toMatch(/class="task"[\s\S]*Call back/);
  expect(page).toMatch(/Without a contact[\s\S]*Nobody&#39;s/);
});

test("of the links in a description the page plays the recording", async () => {
  const { salesforce, upsert } = await startOrg();
  const at = "http://127.0.0.1:8484";
  const Description = `Whole transcript: ${at}/transcripts/1\n\nRecording: ${at}/recordings/1.wav`;
  await upsert([call("a", { TaskSubtype: "Call", Description })]);
  const page = await (await fetch(salesforce.url)).text();
  expect(page).toContain(`src="${at}/recordings/1.wav"`);
});
