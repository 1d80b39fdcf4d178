import {
  badQuery,
  type JsonSchema,
  json,
  noInstallation,
  type Operation,
  page,
  problem,
  ref,
  text,
} from "./openapi-words.ts";
import { noQuery, previewQuery } from "./query.ts";

const all = page("Installation") as { properties: JsonSchema };
const removed: JsonSchema = { type: "array", items: ref("RemovedInstallation") };
const installations: JsonSchema = { ...all, properties: { ...all.properties, removed } };

/** What there is to call about installations, by path and method. */
export const installationOperations: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  "/api/installations": {
    get: {
      summary: "The installations with their webhook URLs, counts and contact index. No secrets.",
      query: noQuery,
      responses: { "200": json("All of them, and those that were removed.", installations) },
    },
  },
  "/api/installations/{name}/mapping": {
    get: {
      summary: "The mapping in use.",
      query: noQuery,
      responses: { "200": json("The mapping.", ref("Mapping")), ...noInstallation },
    },
    put: {
      summary: "Saves another mapping and uses it from then on; with preview=1 only shows what would change.",
      query: previewQuery,
      body: { type: "object" },
      responses: {
        "200": json("Saved, or previewed.", ref("MappingChange")),
        ...badQuery,
        ...noInstallation,
        "413": problem("Larger than 1 MB."),
        "415": problem("Not JSON, or compressed."),
        "422": problem("The mapping is wrong: all faults with their places and cures."),
        "503": problem("Other previews are being made, or this one ran into a limit: try again."),
        "507": problem("The file could not be written."),
      },
    },
  },
  "/api/installations/{name}": {
    delete: {
      summary:
        "Disconnects an installation that was made by OAuth: our access is taken back at the CRM. What is kept is erased later.",
      query: noQuery,
      responses: {
        "200": json("It is disconnected, and can be exported until then.", ref("Disconnected")),
        ...noInstallation,
      },
    },
  },
  "/api/installations/{name}/settings": {
    get: {
      summary:
        "The settings of an installation that was made by OAuth, with its state. Has the webhook secrets.",
      query: noQuery,
      responses: { "200": json("The settings.", { type: "object" }), ...noInstallation },
    },
    put: {
      summary: "Other settings for it, used from then on: {version, settings} as GET gives them.",
      query: noQuery,
      body: { type: "object", required: ["version", "settings"] },
      responses: {
        "200": json("The settings as they are now.", { type: "object" }),
        ...noInstallation,
        "400": problem("Not what GET gives."),
        "409": problem("Somebody else changed them meanwhile."),
        "413": problem("Larger than 1 MB."),
        "415": problem("Not JSON, or compressed."),
        "422": problem("The settings are wrong: all faults with their places and cures."),
      },
    },
  },
  "/api/installations/{name}/export": {
    get: {
      summary:
        "Everything that is kept of an installation but its secrets, one JSON object per line, the last of type `end`. Also of a removed one, until it is erased.",
      query: noQuery,
      responses: { "200": text("The lines.", "application/x-ndjson"), ...noInstallation },
    },
  },
};
