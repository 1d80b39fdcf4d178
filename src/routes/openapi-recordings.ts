import { json, noCall, type Operation, problem, text } from "./openapi-words.ts";
import { noQuery } from "./query.ts";

const key = { type: "string" };

/** What there is about recordings and transcripts. */
export const recordingOperations: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  "/api/calls/{key}/recording": {
    delete: {
      summary: "Deletes the copy of a call's recording, and takes its link back for good.",
      query: noQuery,
      responses: {
        "200": json("It is gone.", { type: "object", properties: { key, deleted: { type: "boolean" } } }),
        ...noCall,
        "202": json("No link plays it any more; its copy is removed as soon as the archive can be reached.", {
          type: "object",
          properties: { key, deleted: { type: "boolean" }, copy: { type: "string" } },
        }),
      },
    },
  },
  "/api/calls/{key}/recording/link": {
    post: {
      summary: "Another link to a call's recording, also in the CRM; the one before plays no more.",
      query: noQuery,
      responses: {
        "200": json("The new link.", { type: "object", properties: { key, url: { type: "string" } } }),
        ...noCall,
        "409": problem("The call has no recording."),
      },
    },
  },
  "/recordings/{token}": {
    get: {
      summary: "The recording of a call, for whoever has its link; Range is honoured.",
      open: true,
      responses: {
        "200": text("The audio.", "audio/*"),
        "206": text("A part of it.", "audio/*"),
        "404": problem("There is no such recording, or not yet."),
        "410": problem("It is not kept any more, or the link was taken back."),
        "416": { description: "There is no such part." },
        "429": problem("Too many are playing this one, or too many of one address: try again in a while."),
        "502": problem("The provider does not give it."),
        "503": problem("Too many are playing: try again in a while."),
      },
    },
  },
  "/recordings/of/{crm}/{secret}/{callId}": {
    get: {
      summary: "Where a CRM's own player finds a recording; only the CRM was told the secret.",
      open: true,
      responses: {
        "200": json("The link.", { type: "object", properties: { authenticatedUrl: { type: "string" } } }),
        "400": problem("It does not say whose call it is."),
        "401": problem("The CRM's signature is wrong or old."),
        "404": problem("There is no such call or recording."),
      },
    },
  },
  "/transcripts/{token}": {
    get: {
      summary: "All that was said in a call, for whoever has the link in the CRM.",
      open: true,
      responses: {
        "200": text("A page.", "text/html"),
        "404": problem("There is no such transcript."),
        "410": problem("The link was taken back."),
      },
    },
  },
};
