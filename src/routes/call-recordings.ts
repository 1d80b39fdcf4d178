import { Rejected } from "../core/errors.ts";
import type { TrackedCall } from "../core/tracked-call.ts";
import { deleteRecording } from "../flow/recordings/follow.ts";
import { nextLink } from "../flow/recordings/links.ts";
import type { Parts } from "../server/assemble.ts";
import { noQuery } from "./query.ts";
import { adminRoute, pathParameter, type Route } from "./route.ts";

/** What an administrator does about the recording of one call: another link in place of one that got out, or no recording at all. */
export function callRecordingRoutes({ flow, archive, recordings, wake }: Parts): Route[] {
  const { store } = flow;
  const path = "/api/calls/:key/recording";

  const find = async (key: string): Promise<TrackedCall> => {
    const row = (await store.call(key))?.row;
    if (row) return row;
    throw new Rejected(
      404,
      `there is no call ${JSON.stringify(key.slice(0, 200))}: GET /api/calls lists them`,
    );
  };

  return [
    adminRoute("post", `${path}/link`, noQuery, async (request, response) => {
      const row = await find(pathParameter(request, "key"));
      if (!row.call.recording)
        throw new Rejected(409, "this call has no recording, so there is no link to replace");
      const link = nextLink(row.link);
      await store.relink(row.id, link, flow.now());
      wake(row.call.installation);
      response
        .set("cache-control", "no-store")
        .json({ key: row.call.key, url: recordings.urlOf({ ...row, link }) });
    }),

    adminRoute("delete", path, noQuery, async (request, response) => {
      const row = await find(pathParameter(request, "key"));
      const waits = await deleteRecording({ flow, archive }, row);
      wake(row.call.installation);
      const { key } = row.call;
      if (waits === undefined) return response.json({ key, deleted: true });
      response
        .status(202)
        .json({ key, deleted: true, copy: `it is removed as soon as that can be done: ${waits}` });
    }),
  ];
}
