import { Rejected } from "../core/errors.ts";
import { nextLink, withdrawn } from "../flow/recordings.ts";
import type { Parts } from "../parts.ts";
import type { CallRow } from "../store/contract.ts";
import type { RecordingRow } from "../store/contract-recordings.ts";
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
      const kept = await store.recording(row.id);
      if (kept?.place !== undefined) {
        if (!archive)
          throw new Rejected(
            409,
            "its copy is in an archive that is not in the configuration: add it again, then delete",
          );
        await archive.remove(kept.place);
      }
      const { place: _, dueAt: __, ...rest } = kept ?? bare(row, flow.now());
      await store.saveRecording({ ...rest, state: "deleted", reason: "it was deleted on request" });
      await store.relink(row.id, withdrawn(row.link), flow.now());
      response.json({ key: row.call.key, deleted: true });
    }),
  ];
}

function bare({ id, call }: CallRow, now: number): RecordingRow {
  return { call: id, installation: call.installation, state: "deleted", since: now, attempts: 0 };
}
