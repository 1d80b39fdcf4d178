import type { Connection } from "jsforce";
import type { ContactRef } from "../../src/core/contact.ts";
import type { CrmError } from "../../src/core/errors.ts";
import type { Book } from "./read.ts";
import type { OrgSchema } from "./schema.ts";
import type { ObjectRow } from "./values.ts";

/**
 * One Task to write. `what`: its name in messages. `change`: an existing one, by the `Id` in its row. `contact`: whom
 * the row links it to. `fallbackOwner`: owns it when the org refuses its owner. `without`: what was left out so far.
 */
export type Item = {
  what: string;
  change: boolean;
  row: ObjectRow;
  contact?: ContactRef;
  fallbackOwner?: string;
  without?: readonly string[];
};

/** `item`: as it was written in the end. */
export type Written =
  | { id: string; created: boolean; item: Item }
  | { gone: true }
  | { failed: CrmError; contactGone?: ContactRef };

/** What writing needs: the way to the org, what it looks like, and whom to tell. */
export type Desk = { connection: Connection; schema: OrgSchema; book: Book; warn: (message: string) => void };
