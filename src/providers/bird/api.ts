import { ProviderError } from "../../core/errors.ts";
import { isObject, type JsonObject, objectsAt, textAt } from "../../lib/body.ts";
import { requestApi } from "../../lib/provider-api.ts";
import type { BirdSettings } from "./settings.ts";

export const usualApiUrl = "https://api.bird.com";

/** The API of one workspace. Paths are relative to it. Both methods throw `ProviderError`. */
export type BirdApi = {
  /** The object at a path; undefined when there is none. */
  one(path: string): Promise<JsonObject | undefined>;
  /** The rows of a list, page by page. */
  pages(path: string, query: Readonly<Record<string, string>>, limit: number): AsyncIterable<JsonObject[]>;
};

/** The settings that are missing for polling Bird's API. */
export function lacks({ workspaceId, apiKey }: BirdSettings): string | undefined {
  const names = [...(workspaceId ? [] : ["workspaceId"]), ...(apiKey ? [] : ["apiKey"])];
  if (names.length === 0) return undefined;
  return `Set ${names.join(" and ")} of bird: the workspace's id, and an access key that may read its calls and recordings.`;
}

/** The path of a workspace in the API. */
export function workspacePath({ workspaceId = "" }: BirdSettings): string {
  return `/workspaces/${encodeURIComponent(workspaceId)}`;
}

/** Whether an id is safe in a path or a query. Bird's ids are UUIDs. */
export function isApiId(id: string | undefined): id is string {
  return id !== undefined && /^[\w-]{1,128}$/.test(id);
}

/**
 * Lists as in docs.bird.com (2026): `limit` and `pageToken` in the request, `results` and `nextPageToken` in the
 * response.
 */
export function birdApi(settings: BirdSettings, signal: AbortSignal | undefined): BirdApi {
  const { apiUrl = usualApiUrl, apiKey = "" } = settings;
  const base = `${apiUrl.replace(/\/+$/, "")}${workspacePath(settings)}`;
  const missing = lacks(settings);
  if (missing !== undefined) throw new ProviderError("never", missing);

  const request = async (path: string, absent: readonly number[]): Promise<JsonObject | undefined> => {
    const headers = { authorization: `AccessKey ${apiKey}` };
    const { status, body } = await requestApi({
      who: "Bird",
      url: `${base}/${path}`,
      headers,
      signal,
      absent,
    });
    if (absent.includes(status)) return undefined;
    if (isObject(body)) return body;
    throw new ProviderError("later", "Bird answered something that is not an object");
  };

  return {
    // Bird answers 422 for an id that is not a UUID: it does not exist either.
    one: (path) => request(path, [404, 422]),
    async *pages(path, query, limit) {
      const tokens = new Set<string>();
      for (let token: string | undefined; ; tokens.add(token)) {
        const page = { ...query, limit: String(limit), ...(token !== undefined && { pageToken: token }) };
        const body = await request(`${path}?${new URLSearchParams(page)}`, [404]);
        if (!body) throw new ProviderError("never", "Bird knows no such workspace (404): check workspaceId");
        if (!Array.isArray(body["results"]))
          throw new ProviderError("later", "Bird answered a list without its `results`");
        yield objectsAt(body, "results");
        token = textAt(body, "nextPageToken");
        if (token === undefined) return;
        if (tokens.has(token))
          throw new ProviderError("later", "Bird gave the same page token twice: its list has no end");
      }
    },
  };
}
