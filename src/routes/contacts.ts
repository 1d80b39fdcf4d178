import { z } from "zod";
import { type Contact, contactKinds } from "../core/contact.ts";
import { identityOf } from "../core/phone.ts";
import type { Parts } from "../server/assemble.ts";
import { contactSchema } from "./call-summary.ts";
import { findInstallation } from "./installations.ts";
import {
  adminRoute,
  badQuery,
  json,
  noInstallation,
  pathParameter,
  type Route,
  shortText,
  text,
} from "./route.ts";

const most = 20;

const listedContact = contactSchema
  .extend({ phones: z.array(text), email: text.optional(), ownerId: text.optional() })
  .meta({ id: "ListedContact" });

/** A contact of the index. */
export type ListedContact = z.infer<typeof listedContact>;

const search = z.strictObject({
  q: shortText("give a phone number, a part of a name, or the CRM's id of a contact"),
});

/** The index of the CRM's contacts, for people who choose one. */
export function contactRoutes(parts: Parts): Route[] {
  const { store } = parts.flow;
  return [
    adminRoute({
      method: "get",
      path: "/api/installations/:name/contacts",
      needs: "view",
      summary: "Contacts of the index with this number, name or id; at most 20.",
      query: search,
      replies: {
        200: json("The contacts.", z.object({ items: z.array(listedContact) })),
        ...badQuery,
        ...noInstallation,
      },
      handle: async (request, response, { q }) => {
        const { settings } = findInstallation(parts, pathParameter(request, "name"));
        response.json({ items: (await contactsFor(settings, q.trim())).map(shown) });
      },
    }),
  ];

  async function contactsFor(
    { name, region }: { name: string; region: string },
    given: string,
  ): Promise<Contact[]> {
    const number = /\d{3}/.test(given) ? identityOf(given, region) : undefined;
    if (number !== undefined) {
      const found = (await store.contactsByNumber(name, [number])).get(number) ?? [];
      if (found.length > 0) return found.slice(0, most);
    }
    const byId = await Promise.all(contactKinds.map((kind) => store.contact(name, { kind, id: given })));
    const exact = byId.filter((contact) => contact !== undefined);
    return exact.length > 0 ? exact : store.contactsNamed(name, given, most);
  }
}

function shown({ id, kind, name, phones, email, ownerId }: Contact): ListedContact {
  return {
    id,
    kind,
    ...(name !== undefined && { name }),
    phones,
    ...(email !== undefined && { email }),
    ...(ownerId !== undefined && { ownerId }),
  };
}
