import type { EmulatorReply } from "../contract.ts";
import type { CrmRequest, CrmRoute } from "./crm-route.ts";
import { limitOf } from "./objects.ts";
import type { Portal } from "./portal.ts";
import { notFound, problemReply } from "./refusals.ts";
import type { OwnerRecord } from "./types.ts";

const mostOwners = 500;
const ownersScope = () => [["crm.objects.owners.read"]];

/** Owners and the account's details. */
export function accountRoutes(portal: Portal): CrmRoute[] {
  const owners = { method: "GET", area: "crm/owners", kind: "owners", scopes: ownersScope };
  return [
    { ...owners, rest: "/?", handle: (request) => listOwners(portal, request) },
    { ...owners, rest: "/([^/]+)", handle: (request) => getOwner(portal, request) },
    {
      method: "GET",
      area: "account-info",
      rest: "/details",
      kind: "account",
      scopes: () => [["oauth"]],
      handle: () => ({ status: 200, body: details(portal) }),
    },
  ];
}

function listOwners(portal: Portal, request: CrmRequest): EmulatorReply {
  const limit = limitOf(request, mostOwners, 100);
  const email = request.query.get("email")?.toLowerCase();
  const archived = request.query.get("archived") === "true";
  const after = Number(request.query.get("after") || 0);
  const found = [...portal.owners.values()].filter(
    (owner) =>
      owner.archived === archived &&
      Number(owner.id) > after &&
      (email === undefined || owner.email.toLowerCase() === email),
  );
  const results = found.slice(0, limit);
  const last = results.at(-1);
  const paging = last && found.length > limit ? { paging: { next: { after: last.id } } } : {};
  return { status: 200, body: { results: results.map(told), ...paging } };
}

function getOwner(portal: Portal, request: CrmRequest): EmulatorReply {
  const wanted = request.params[0] ?? "";
  const byUser = request.query.get("idProperty") === "userId";
  const owner = [...portal.owners.values()].find(({ id, userId }) =>
    byUser ? String(userId) === wanted : id === wanted,
  );
  if (!owner || owner.archived !== (request.query.get("archived") === "true")) return problemReply(notFound);
  return { status: 200, body: told(owner) };
}

function told(owner: OwnerRecord): object {
  const at = new Date(owner.createdAt).toISOString();
  return {
    id: owner.id,
    email: owner.email,
    type: "PERSON",
    firstName: owner.firstName,
    lastName: owner.lastName,
    ...(owner.archived ? {} : { userId: owner.userId }),
    userIdIncludingInactive: owner.userId,
    createdAt: at,
    updatedAt: at,
    archived: owner.archived,
  };
}

/** unverified: which scope this needs. */
function details(portal: Portal): object {
  return {
    portalId: portal.portalId,
    accountType: "STANDARD",
    timeZone: "Europe/Amsterdam",
    companyCurrency: "EUR",
    additionalCurrencies: [],
    utcOffset: "+01:00",
    utcOffsetMilliseconds: 3_600_000,
    uiDomain: "app-eu1.hubspot.com",
    dataHostingLocation: "eu1",
  };
}
