import { Rejected } from "../core/errors.ts";
import { nextLink, withdrawn } from "../flow/recordings.ts";
import type { Parts } from "../parts.ts";
import type { CallRow } from "../store/contract.ts";
import { noQuery } from "./query.ts";
import { adminRoute, pathParameter, type Route } from "./route.ts";

/** What an administrator does about the recording of one call: another link in place of one that got out, or no recording at all. */
export function callRecordingRoutes({ flow, archive, recordings, wake }: Parts): Route[] {
  const { store } = flow;
  const path = "/api/calls/:key/recording";

  const find = async (key: string): Promise<CallRow> => {
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
      // No link plays it from here on, whatever becomes of the copy.
      await store.relink(row.id, withdrawn(row.link), flow.now());
      await store.deleteRecording({ call: row.id, installation: row.call.installation }, flow.now());
      wake(row.call.installation);
      const deleted = await store.recording(row.id);
      if (deleted?.place !== undefined) {
        if (!archive)
          throw new Rejected(
            409,
            "no link plays it any more, but its copy is in an archive that is not in the configuration: add that again, and it is removed",
          );
        await archive.remove(deleted.place);
        const { place: _, dueAt: __, ...rest } = deleted;
        await store.saveRecording(rest, "deleted");
      }
      response.json({ key: row.call.key, deleted: true });
    }),
  ];
}
