import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import { createMappingApplies, type MappingApply } from "../flow/mappings/apply.ts";
import type { Parts } from "../server/assemble.ts";
import { readJsonAs } from "./body.ts";
import { adminRoute, json, noInstallation, type Route, text, time } from "./route.ts";
import { noteChange } from "./rules.ts";
import { mappingOf, mappingRoute } from "./saved-mapping.ts";

const value = z.union([text, z.number(), z.boolean()]);

const apply = z
  .object({
    id: text,
    state: z.enum(["planning", "planned", "running", "done", "stopped", "failed"]),
    days: z.int(),
    since: time,
    by: text,
    calls: z.int().meta({ description: "How many were compared, or gone through, so far." }),
    changed: z.int().meta({ description: "How many of them change." }),
    notLogged: z
      .int()
      .meta({ description: "How many are not in the CRM yet; they get the mapping in any case." }),
    kept: z.int().meta({ description: "How many have a field that a person changed, which stays." }),
    examples: z.array(
      z.object({
        key: text,
        changes: z.array(
          z.object({
            field: text,
            from: value.optional(),
            to: value,
            kept: z.literal(true).optional(),
          }),
        ),
      }),
    ),
    why: text.optional(),
  })
  .meta({ id: "MappingApply" });

const reply = z.object({ apply: apply.optional() });
const planned = z
  .strictObject({ days: z.int().min(1).max(90) })
  .or(z.strictObject({ run: text }))
  .meta({ id: "MappingApplyRequest" });

const wantedShape = {
  schema: planned,
  what: "request",
  example: '{"days": 7}, from 1 to 90, or {"run": "<id of a plan>"}',
};

export type MappingApplyReply = z.infer<typeof reply>;

/** Applies the mapping in use to the calls of the last days: first the plan, then the run. */
export function mappingApplyRoutes(parts: Parts): Route[] {
  const { flow, providers, wake, isStopping } = parts;
  const applies = createMappingApplies({ flow, providers, wake, isStopping });
  const path = `${mappingRoute}/apply`;
  const shown = (found: MappingApply | undefined): MappingApplyReply => ({ ...(found && { apply: found }) });

  return [
    adminRoute({
      method: "get",
      path,
      needs: "view",
      summary: "What applying the mapping to earlier calls would change or has changed, and how far it is.",
      replies: { 200: json("The last one, if there was any.", reply), ...noInstallation },
      handle: async (request, response) => {
        const { installation } = mappingOf(parts, request);
        response.json(shown(await applies.read(installation.settings.name)));
      },
    }),

    adminRoute({
      method: "post",
      path,
      needs: "admin",
      summary:
        "With `days`, counts which calls of the last days the mapping in use would change. With `run`, the id of such a plan, sends them to the CRM again; what people changed there stays.",
      body: planned,
      replies: {
        202: json("It has begun; GET says how far it is.", reply),
        400: "Neither days (1 to 90) nor the id of a plan.",
        ...noInstallation,
        409: "One is under way already, or there is no such plan.",
      },
      handle: async (request, response, _, principal) => {
        const { installation } = mappingOf(parts, request);
        const wanted = await readJsonAs(request, parts.room, wantedShape);
        const begun =
          "days" in wanted
            ? await applies.plan(installation, wanted.days, principal.name)
            : await applies.run(installation, wanted.run, principal.name);
        if (!begun)
          throw new Rejected(
            409,
            "the mapping is being applied already, or there is no such plan any more: GET says which",
          );
        noteChange(response, { after: { state: begun.state, days: begun.days } });
        response.status(202).json(shown(begun));
      },
    }),

    adminRoute({
      method: "delete",
      path,
      needs: "admin",
      summary: "Stops what is under way. Calls that were sent already stay as they are.",
      replies: { 200: json("How far it was.", reply), ...noInstallation },
      handle: async (request, response) => {
        const { installation } = mappingOf(parts, request);
        response.json(shown(await applies.stop(installation.settings.name)));
      },
    }),
  ];
}
