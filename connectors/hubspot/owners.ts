import type { Owner } from "../../src/core/contact.ts";
import { isObject, type JsonObject, objectAt, textAt } from "../../src/lib/body.ts";
import { resultsIn } from "./batch.ts";
import type { DescribedRequest, Transport } from "./transport.ts";

const asking: DescribedRequest = { what: "HubSpot, reading owners", priority: "sync" };
const pageSize = 100;

/** All users who own records. HubSpot archives the owner of a user who was deactivated or removed. */
export async function owners(transport: Transport): Promise<Owner[]> {
  const active = await list(transport, false);
  const here = new Set(active.map(({ id }) => id));
  const archived = (await list(transport, true)).filter(({ id }) => !here.has(id));
  return [...active, ...archived.map((owner): Owner => ({ ...owner, left: true }))];
}

async function list(transport: Transport, archived: boolean): Promise<Owner[]> {
  const all: Owner[] = [];
  let after: string | undefined;
  do {
    const body: unknown = await transport.ask(asking, (client) =>
      client.crm.owners.ownersApi.getPage(undefined, after, pageSize, archived),
    );
    all.push(...resultsIn(body).flatMap(ownerIn));
    after = isObject(body) ? textAt(objectAt(objectAt(body, "paging"), "next"), "after") : undefined;
  } while (after !== undefined);
  return all;
}

function ownerIn(owner: JsonObject): Owner[] {
  const [id, email] = [textAt(owner, "id"), textAt(owner, "email")];
  const name = [textAt(owner, "firstName"), textAt(owner, "lastName")].filter(Boolean).join(" ");
  return id === undefined ? [] : [{ id, ...(name && { name }), ...(email && { email }) }];
}
