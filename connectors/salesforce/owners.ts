import type { Owner } from "../../src/core/contact.ts";
import { textAt } from "../../src/lib/body.ts";
import type { Api } from "./api.ts";
import { queryAll } from "./soql.ts";

const soql =
  "SELECT Id, Name, Email, TimeZoneSidKey FROM User WHERE IsActive = true AND UserType = 'Standard' ORDER BY Id";

/** The people who work in the org: no portal users, no automated process. */
export async function owners(api: Api): Promise<Owner[]> {
  const users = await queryAll(await api.open({ priority: "sync" }), soql);
  return users.flatMap((user) => {
    const id = textAt(user, "Id");
    const name = textAt(user, "Name");
    const email = textAt(user, "Email");
    const timeZone = textAt(user, "TimeZoneSidKey");
    return id ? [{ id, ...(name && { name }), ...(email && { email }), ...(timeZone && { timeZone }) }] : [];
  });
}
