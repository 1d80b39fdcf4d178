import { type ContactChange, typeIdOf } from "./types.ts";

/** One event as it is sent. unverified: the types of the ids, and `objectTypeId`, `primaryObjectId`, `mergedObjectIds`. */
export type WebhookEvent = {
  eventId: number;
  subscriptionId: number;
  portalId: number;
  appId: number;
  occurredAt: number;
  subscriptionType: SubscriptionType;
  attemptNumber: number;
  objectId: number;
  objectTypeId?: string;
  propertyName?: string;
  propertyValue?: string;
  changeSource: string;
  primaryObjectId?: number;
  mergedObjectIds?: number[];
};

type SubscriptionType =
  | "object.creation"
  | "object.propertyChange"
  | "object.deletion"
  | "object.merge"
  | "contact.privacyDeletion";

type Told = Pick<WebhookEvent, "subscriptionType" | "objectId"> & Partial<WebhookEvent>;

/**
 * What a change of a contact is told as: several events when several of the watched `properties` changed. unverified:
 * that a creation tells no properties, a merge no deletion, a privacy deletion no deletion, and all of `changeSource`.
 */
export function eventsOf(change: ContactChange, properties: readonly string[]): Told[] {
  const objectId = Number(change.record.id);
  const objectTypeId = typeIdOf("contacts");
  const changeSource = "CRM_UI";
  const of = (subscriptionType: SubscriptionType) => ({
    subscriptionType,
    objectId,
    objectTypeId,
    changeSource,
  });
  switch (change.kind) {
    case "created":
      return [of("object.creation")];
    case "deleted":
      return [of("object.deletion")];
    case "erased":
      return [{ subscriptionType: "contact.privacyDeletion", objectId, changeSource }];
    case "merged":
      return [
        { ...of("object.merge"), primaryObjectId: objectId, mergedObjectIds: [Number(change.loser.id)] },
      ];
    case "changed":
      return properties
        .filter((name) => (change.before[name] ?? "") !== (change.record.values[name] ?? ""))
        .map((propertyName) => ({
          ...of("object.propertyChange"),
          propertyName,
          propertyValue: change.record.values[propertyName] ?? "",
        }));
  }
}
