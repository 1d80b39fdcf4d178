import type { Call } from "../core/call.ts";
import type { ContactKind } from "../core/contact.ts";
import type { CallState, Decision, TrackedCall, WrittenByUs } from "../core/tracked-call.ts";
import type { Row } from "./connection.ts";
import type { DeliveryNote, StoredDelivery } from "./contract.ts";
import { digestOf } from "./digest.ts";

export const callColumns = `id, body, state, reason, number, due_at, attempts, saved_revision, contact_kind, contact_id,
  owner_id, activity_id, sent_at, ours, decision, merged_into, link, created_at, updated_at`;

/** A row of `calls` in our words. Columns that are NULL are absent. */
export function toCallRow(row: Row): TrackedCall {
  return {
    id: Number(row["id"]),
    call: JSON.parse(String(row["body"])) as Call,
    state: row["state"] as CallState,
    attempts: Number(row["attempts"]),
    savedRevision: Number(row["saved_revision"]),
    ours: JSON.parse(String(row["ours"])) as WrittenByUs,
    link: Number(row["link"]),
    createdAt: Number(row["created_at"]),
    updatedAt: Number(row["updated_at"]),
    ...(row["number"] !== null && { number: String(row["number"]) }),
    ...(row["reason"] !== null && { reason: String(row["reason"]) }),
    ...(row["due_at"] !== null && { dueAt: Number(row["due_at"]) }),
    ...(row["contact_id"] !== null && {
      contact: { id: String(row["contact_id"]), kind: row["contact_kind"] as ContactKind },
    }),
    ...(row["owner_id"] !== null && { ownerId: String(row["owner_id"]) }),
    ...(row["activity_id"] !== null && { activityId: String(row["activity_id"]) }),
    ...(row["sent_at"] !== null && { sentAt: Number(row["sent_at"]) }),
    ...(row["decision"] !== null && { decision: JSON.parse(String(row["decision"])) as Decision }),
    ...(row["merged_into"] !== null && { mergedInto: Number(row["merged_into"]) }),
  };
}

export const deliveryColumns = "id, installation, provider, received_at, method, url, headers, body";

export function toDelivery(row: Row): StoredDelivery {
  const delivery = {
    id: Number(row["id"]),
    installation: String(row["installation"]),
    provider: String(row["provider"]),
    receivedAt: new Date(Number(row["received_at"])).toISOString(),
    method: String(row["method"]),
    url: String(row["url"]),
    headers: JSON.parse(String(row["headers"])) as Record<string, string>,
    body: row["body"] as Uint8Array,
  };
  return { ...delivery, digest: digestOf(delivery) };
}

export function toDeliveryNote(row: Row): DeliveryNote {
  const states = ["new", "decoded", "fault"] as const;
  return {
    id: Number(row["id"]),
    installation: String(row["installation"]),
    provider: String(row["provider"]),
    receivedAt: new Date(Number(row["received_at"])).toISOString(),
    method: String(row["method"]),
    url: withoutLinks(String(row["url"])),
    state: states[Number(row["state"])] ?? "new",
    events: Number(row["events"]),
    repeats: Number(row["repeats"]),
    ...(row["kind"] !== null && { kind: String(row["kind"]) }),
    ...(row["fault"] !== null && { fault: String(row["fault"]) }),
  };
}

/** A link in a query (Exotel's Passthru names the recording there) may be a credential: notes are for reading only. */
function withoutLinks(url: string): string {
  return url.replace(/=https?(?::|%3A)[^&]*/gi, "=(link)");
}
