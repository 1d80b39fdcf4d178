import type { JsonObject } from "../../lib/body.ts";
import { sameNumber } from "./event.ts";
import { legAt, textOf, wordOf } from "./fields.ts";
import { directionOf } from "./words.ts";

/**
 * The legs of a call: the first is From's. `second`: absent when the message does not tell of it; a leg that was told of
 * without a status was not attempted. `customer`: the leg that the customer of an outgoing call is on.
 */
export type Legs = { second?: JsonObject; customer: JsonObject; hasOne: boolean };

/**
 * A flow, a campaign and a voicebot ring the customer and nobody else: one leg, and `To` is the ExoPhone or absent.
 * With another number in `To` the second leg was only not told of.
 */
export function legsOf(fields: JsonObject): Legs {
  const [first, second] = [legAt(fields, 0), legAt(fields, 1)];
  const isTold = Object.hasOwn(second, "Status") || Object.hasOwn(second, "OnCallDuration");
  const [to, line] = [textOf(fields, "To"), textOf(fields, "PhoneNumberSid")];
  const nobodySecond = to === undefined || sameNumber(to, line);
  const hasOne =
    directionOf(wordOf(fields, "Direction")) === "outbound" &&
    nobodySecond &&
    Object.keys(first).length > 0 &&
    textOf(second, "Status") === undefined &&
    (textOf(second, "OnCallDuration") ?? "0") === "0";
  if (hasOne) return { customer: first, hasOne };
  return { customer: second, hasOne, ...(isTold && { second }) };
}
