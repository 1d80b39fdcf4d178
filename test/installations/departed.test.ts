import { expect, test } from "vitest";
import { departed } from "../../src/installations/departures.ts";
import type { StoredInstall } from "../../src/store/contract.ts";

const at = Date.parse("2026-03-01T12:00:00Z");
const minute = 60_000;

/** One that was connected, and changed, so many minutes after the account uninstalled us. */
function install(connected: number | undefined, changed: number): StoredInstall {
  const connectedAt = connected === undefined ? undefined : new Date(at + connected * minute).toISOString();
  return {
    ...{ name: "acme", crm: "hubspot", account: "1", state: "active", version: 2, sealed: "s1.x" },
    ...{ body: JSON.stringify({ connectedAt }), updatedAt: at + changed * minute },
  };
}

test.each([
  ["connected again since", install(1, 1), "active"],
  ["connected before, and not changed since", install(-9, -9), "reconnect"],
  ["connected before, and whose settings or tokens were changed since", install(-9, 5), "reconnect"],
  ["of an earlier version, and changed since", install(undefined, 5), "active"],
  ["of an earlier version, and not changed since", install(undefined, -5), "reconnect"],
])("an account that uninstalled us, and was %s", (_, before, state) => {
  const after = departed(before, at, "uninstalled", at + 10 * minute);
  expect(after.state).toBe(state);
  expect(after.sealed === undefined).toBe(state === "reconnect");
});
