import type { Owner } from "../../src/core/contact.ts";
import { CrmError } from "../../src/core/errors.ts";
import { textAt } from "../../src/lib/body.ts";
import type { Api } from "./api.ts";
import { queryAll } from "./soql.ts";

const users =
  "SELECT Id, Name, Email, TimeZoneSidKey, IsActive FROM User WHERE UserType = 'Standard' ORDER BY Id";
const queues = "SELECT Id, Name FROM Group WHERE Type = 'Queue' ORDER BY Id";

/**
 * The people who work in the org, those who have left too, and the queues that own leads: no portal users, no automated
 * process.
 */
export async function owners(api: Api): Promise<Owner[]> {
  const connection = await api.open({ priority: "sync" });
  const people = await queryAll(connection, users);
  // Not every user may read queues; their names are only for people.
  const groups = await queryAll(connection, queues).catch((error: unknown) => {
    if (error instanceof CrmError && error.retry === "never") return [];
    throw error;
  });
  return [
    ...people.flatMap((user) => {
      const id = textAt(user, "Id");
      const name = textAt(user, "Name");
      const email = textAt(user, "Email");
      const timeZone = textAt(user, "TimeZoneSidKey");
      const left = user["IsActive"] === false && { left: true as const };
      return id
        ? [{ id, ...(name && { name }), ...(email && { email }), ...(timeZone && { timeZone }), ...left }]
        : [];
    }),
    ...groups.flatMap((group): Owner[] => {
      const id = textAt(group, "Id");
      const name = textAt(group, "Name");
      return id ? [{ id, ...(name && { name: `the queue ${name}` }), left: true }] : [];
    }),
  ];
}
