import { readFileSync } from "node:fs";
import { join } from "node:path";
import { comparable, type Property } from "../../connectors/hubspot/values.ts";
import { webhook } from "../../connectors/hubspot/webhook.ts";
import { JsonFault, parseText } from "../../connectors/local/records.ts";
import type { ObjectField } from "../../connectors/salesforce/schema.ts";
import { formOf, wireOf } from "../../connectors/salesforce/values.ts";
import { ConfigError } from "../../src/core/errors.ts";
import { maskAll, quoted } from "../../src/core/mask.ts";
import { identityOf, maskNumbers, numbersIn, whyNotANumber } from "../../src/core/phone.ts";
import { sameEmail } from "../../src/core/settings.ts";
import { isoFromText } from "../../src/lib/body.ts";
import { cutHtml, cutText } from "../../src/lib/cut.ts";
import { singleRange } from "../../src/lib/http.ts";
import { secretInHeader } from "../../src/lib/secrets.ts";
import { outcomeOfWord } from "../../src/lib/words.ts";
import { parseMapping } from "../../src/mapping/compile.ts";
import { parseJson } from "../../src/mapping/json.ts";
import type { View } from "../../src/mapping/view.ts";
import { exotelTime } from "../../src/providers/exotel/values.ts";
import { html } from "../../src/routes/html.ts";
import { callQuery, readQuery } from "../../src/routes/route.ts";
import { fullView } from "../mapping/samples.ts";
import type { Probe } from "./linear.ts";
import { filled, leavesOf, replaced, units } from "./long-inputs.ts";

/** Everything that reads a text of a stranger, a caller or a CRM. */
const readers: Readonly<Record<string, (text: string) => unknown>> = {
  "the identity of a number": (text) => identityOf(text, "IN"),
  "the numbers in a field": (text) => numbersIn(`${text} 98111 22222`, "IN"),
  "why it is no number": (text) => whyNotANumber(text, "IN"),
  "masked numbers": maskNumbers,
  "a masked text": maskAll,
  "a quoted text": (text) => quoted(text),
  "an outcome": outcomeOfWord,
  "a time of Exotel": exotelTime,
  "a time": isoFromText,
  "an e-mail address": (text) => sameEmail(text, "a@x.example"),
  "a secret in a header": secretInHeader,
  "a secret behind its scheme": (text) => secretInHeader(`Bearer ${text}x y`),
  "a range": (text) => singleRange(`bytes=${text}`),
  "a text to cut": (text) => cutText(text, text.length / 2),
  "HTML to cut": (text) => cutHtml(text, text.length / 2),
  "a page": (text) => html`<p>${text}</p>`,
  "JSON of the local CRM": (text) => skipped(`["${text}", ${text}]`),
  "a mapping file": (text) => parsed(`{"a": "${text}", ${text}}`),
  "HubSpot's webhooks": (text) =>
    webhook.read(Buffer.from(JSON.stringify([{ portalId: 1, subscriptionType: text }]))),
  ...Object.fromEntries(
    Object.keys(callQuery.shape).map((name) => [
      `the parameter ${name}`,
      (text: string) => readQuery(callQuery, { [name]: text }),
    ]),
  ),
  ...Object.fromEntries(
    ["string", "html", "enumeration", "number", "bool", "datetime"].map((type) => [
      `a property of HubSpot, ${type}`,
      (text: string) => comparable(propertyOf(type), text),
    ]),
  ),
  ...Object.fromEntries(
    ["string", "textarea", "picklist", "multipicklist", "double", "date", "datetime", "reference"].map(
      (type) => [
        `a field of Salesforce, ${type}`,
        (text: string) => [formOf(fieldOf(type), text), wireOf(fieldOf(type), text)],
      ],
    ),
  ),
};

export function* textProbes(): Generator<Probe> {
  for (const [name, read] of Object.entries(readers))
    for (const unit of units)
      yield {
        name: `${name}, full of ${JSON.stringify(unit)}`,
        at: (length) => {
          const text = filled(unit, length);
          return () => read(text);
        },
      };
}

const outbound: Partial<View["call"]> = { direction: "outbound", outcome: "voicemail", agents: [] };
const views: Readonly<Record<string, View>> = {
  "an inbound call": fullView,
  "a voicemail": { ...fullView, call: { ...fullView.call, ...outbound } },
};
const mappings = ["hubspot", "salesforce", "local"].map((crm) =>
  parseMapping(readFileSync(join(import.meta.dirname, "..", "..", "mappings", `${crm}.json`), "utf8"), crm),
);

/** The default mappings of all CRMs, over a call one of whose facts is long. */
export function* mappingProbes(): Generator<Probe> {
  for (const [what, view] of Object.entries(views))
    for (const place of leavesOf(view))
      for (const unit of units)
        yield {
          name: `the mapping of ${what} whose ${place.join(".")} is full of ${JSON.stringify(unit)}`,
          at: (length) => {
            const long = replaced(view, [place], filled(unit, length));
            return () =>
              mappings.map((one) => [
                one.activity(long),
                one.contact(long),
                one.task(long),
                one.answer(long),
              ]);
          },
        };
}

function propertyOf(type: string): Property {
  return {
    ...{ name: "x", group: "x", phone: false, readOnly: false, unique: false },
    type: type === "html" ? "string" : type,
    html: type === "html",
    options: [{ label: "Yes", value: "yes" }],
  };
}

function fieldOf(type: string): ObjectField {
  return {
    ...{ name: "X", createable: true, updateable: true, restrictedPicklist: false, externalId: false },
    type: type as ObjectField["type"],
    length: 1_000,
    options: [{ value: "a", label: "A", active: true, isDefault: false, closed: false }],
  };
}

function skipped(json: string): void {
  try {
    parseText(json);
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
  }
}

function parsed(json: string): void {
  try {
    parseJson(json, "m.json");
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
  }
}
