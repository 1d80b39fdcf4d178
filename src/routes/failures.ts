import { z } from "zod";
import { Rejected } from "../core/errors.ts";
import { type FailureGroup, failureGroups } from "../flow/failures/groups.ts";
import { cureKinds, problems } from "../flow/failures/reason.ts";
import type { Parts } from "../server/assemble.ts";
import {
  adminRoute,
  badQuery,
  failureGroup,
  json,
  noInstallation,
  pageQuery,
  pathParameter,
  type Route,
  text,
  time,
} from "./route.ts";
import { noSuchInstallation, noteChange } from "./rules.ts";

const group = z
  .object({
    group: failureGroup,
    problem: z.enum(problems),
    sentence: text,
    words: text.meta({
      description: "The reason as the CRM gave it, without ids, numbers and values of single calls.",
    }),
    cure: z.object({
      kind: z.enum(cureKinds),
      place: text.optional().meta({ description: "The field of the CRM that it is about." }),
    }),
    count: z.int(),
    firstAt: time,
    lastAt: time,
    installations: z.array(z.object({ name: text, count: z.int() })),
    sample: text.meta({ description: "The key of the latest of its calls." }),
  })
  .meta({ id: "FailureGroup" });

const listed = z.object({
  items: z.array(group),
  ignored: z
    .array(group)
    .meta({ description: "Of single installations, hidden until another call fails so." }),
  isPartial: z
    .boolean()
    .meta({ description: "There are more dead calls than are looked at; the oldest are left out." }),
});

/** Dead calls by their reasons. */
export type ListedFailures = z.infer<typeof listed>;

/** Dead calls in groups, and which groups are hidden. */
export function failureRoutes(parts: Parts): Route[] {
  const { flow, installations } = parts;
  const path = "/api/installations/:name/ignored-failures/:group";
  const ignored = z.object({ installation: text, group: failureGroup });

  const nameIn = (request: Parameters<typeof pathParameter>[0]): string => {
    const name = pathParameter(request, "name");
    if (!installations.has(name)) throw noSuchInstallation(name);
    return name;
  };

  return [
    adminRoute({
      method: "get",
      path: "/api/dead/groups",
      needs: "view",
      summary: "Calls that the CRM refused, in groups of the same reason, each with its cure.",
      query: pageQuery.pick({ installation: true }),
      replies: { 200: json("The groups, the largest first.", listed), ...badQuery },
      handle: async (_, response, { installation }) => {
        const found = await failureGroups(flow.store, installation);
        const { groups, isPartial } = found;
        response.json({ items: groups.map(shown), ignored: found.ignored.map(shown), isPartial });
      },
    }),

    adminRoute({
      method: "put",
      path,
      needs: "admin",
      summary: "Hides a group of dead calls of an installation until another call falls into it.",
      replies: {
        200: json("It is hidden.", ignored),
        404: "There is no such installation, or it has no dead calls of this group.",
      },
      handle: async (request, response) => {
        const [name, failure] = [nameIn(request), pathParameter(request, "group")];
        const { groups, ignored: hidden } = await failureGroups(flow.store, name);
        const found = [...groups, ...hidden].find((one) => one.group === failure);
        if (!found) throw noSuchGroup(failure);
        await flow.store.ignoreFailure({ installation: name, failure, at: found.lastAt });
        noteChange(response, { after: { ignored: failure, calls: found.count } });
        response.json({ installation: name, group: failure });
      },
    }),

    adminRoute({
      method: "delete",
      path,
      needs: "admin",
      summary: "Shows a group of dead calls again.",
      replies: { 200: json("It is shown.", ignored), ...noInstallation },
      handle: async (request, response) => {
        const [name, failure] = [nameIn(request), pathParameter(request, "group")];
        if (!(await flow.store.showFailure(name, failure))) throw noSuchGroup(failure);
        noteChange(response, { before: { ignored: failure } });
        response.json({ installation: name, group: failure });
      },
    }),
  ];
}

function shown({ firstAt, lastAt, ...rest }: FailureGroup) {
  return { ...rest, firstAt: new Date(firstAt).toISOString(), lastAt: new Date(lastAt).toISOString() };
}

function noSuchGroup(given: string): Rejected {
  const name = JSON.stringify(given.slice(0, 20));
  return new Rejected(404, `there is no group ${name} of dead calls here: GET /api/dead/groups lists them`);
}
