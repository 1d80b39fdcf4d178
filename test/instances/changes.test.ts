import { expect, test } from "vitest";
import { followChanges } from "../../src/instances/changes.ts";
import type { SharedChange } from "../../src/store/contract.ts";

test("a change that comes again is followed once, and again while that fails or when there is a newer one", async () => {
  const followed: string[] = [];
  const failures: string[] = [];
  const changes: (SharedChange & { id: number })[] = [
    { what: "installs", name: "acme", id: 1 },
    { what: "mappings", name: "acme", id: 2 },
    { what: "installs", name: "broken", id: 3 },
  ];
  let isBroken = true;
  const catchUp = followChanges({
    shared: { changesSince: async (position = 0) => ({ changes: [...changes], position: position + 1 }) },
    async changed({ what, name }) {
      if (name === "broken" && isBroken) throw new Error("it cannot be followed");
      followed.push(`${what} ${name}`);
    },
    failed: (error) => failures.push(String(error)),
  });
  await catchUp();
  await catchUp();
  expect(followed.splice(0)).toEqual(["installs acme", "mappings acme"]);
  expect(failures).toHaveLength(2);
  isBroken = false;
  changes[0] = { what: "installs", name: "acme", id: 4 };
  await catchUp();
  await catchUp();
  expect(followed).toEqual(["installs acme", "installs broken"]);
});
