import { z } from "zod";
import { CrmError, Rejected } from "../core/errors.ts";
import type { createKnownFields } from "../flow/mappings/known-fields.ts";
import { vocabulary } from "../flow/mappings/vocabulary.ts";
import type { Parts } from "../server/assemble.ts";
import { adminRoute, json, noInstallation, type Route, text } from "./route.ts";
import { mappingOf, mappingRoute } from "./saved-mapping.ts";

const words = z
  .object({
    paths: z.array(
      z.object({
        path: text,
        type: z.enum(["string", "number", "boolean", "datetime", "date", "any"]),
        about: text,
        values: z
          .array(text)
          .readonly()
          .optional()
          .meta({ description: "All possible values, when the list is closed." }),
      }),
    ),
    open: z
      .array(z.object({ path: text, about: text, example: text }))
      .meta({ description: "Any name may follow these." }),
    filters: z.array(text),
    tags: z.array(text),
  })
  .meta({ id: "MappingVocabulary" });

const field = z.object({
  name: text,
  type: z.enum(["string", "number", "boolean", "datetime", "date", "picklist"]),
  writable: z.boolean(),
  options: z.array(text).optional().meta({ description: "The values and labels of a picklist." }),
});

const crmFields = z
  .object({
    any: z.boolean().meta({ description: "The CRM takes any field, and the lists are empty." }),
    activity: z.array(field),
    contact: z.array(field),
    task: z.array(field),
    readable: z
      .array(text)
      .meta({ description: "The fields of a contact that `contact.fields.<name>` may read." }),
  })
  .meta({ id: "CrmFields" });

export type MappingVocabulary = z.infer<typeof words>;
export type CrmFields = z.infer<typeof crmFields>;

/** What a mapping may name: the paths of our own language, and the fields of the CRM. */
export function mappingWordRoutes(parts: Parts, fields: ReturnType<typeof createKnownFields>): Route[] {
  return [
    adminRoute({
      method: "get",
      path: `${mappingRoute}/vocabulary`,
      needs: "view",
      summary: "The words of the mapping language: paths with their types and values, filters and tags.",
      replies: { 200: json("The words.", words), ...noInstallation },
      handle: (request, response) => {
        mappingOf(parts, request);
        response.json(vocabulary() satisfies MappingVocabulary);
      },
    }),

    adminRoute({
      method: "get",
      path: "/api/installations/:name/fields",
      needs: "view",
      summary: "The fields of the CRM that a mapping may fill or read, as they were at most a minute ago.",
      replies: {
        200: json("The fields.", crmFields),
        ...noInstallation,
        503: "The CRM does not answer: why.",
      },
      handle: async (request, response) => {
        const { installation } = mappingOf(parts, request);
        try {
          const known = await fields.of(installation);
          const none = { activity: [], contact: [], task: [], readable: [] };
          response.json({ any: known === undefined, ...(known ?? none) } satisfies CrmFields);
        } catch (cause) {
          if (!(cause instanceof CrmError)) throw cause;
          throw new Rejected(503, `${installation.crm} does not tell its fields now: ${cause.message}`, {
            cause,
          });
        }
      },
    }),
  ];
}
