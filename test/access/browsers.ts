import { request as send } from "node:http";

export const token = "the-admin-token-1";

/** A browser as far as its cookies go. It follows no redirects, and may send any header, `host` included. */
export function browserAt(server: { readonly url: string }) {
  const cookies = new Map<string, string>();

  const ask = async (
    method: string,
    path: string,
    { headers = {}, body }: { headers?: Record<string, string>; body?: string } = {},
  ): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await exchange(
      `${server.url}${path}`,
      method,
      { ...(cookie && { cookie }), ...headers },
      body,
    );
    for (const line of answer.headers.getSetCookie()) {
      const [name = "", value = ""] = (line.split(";")[0] ?? "").split("=");
      if (value === "") cookies.delete(name);
      else cookies.set(name, value);
    }
    return answer;
  };

  return {
    cookies,
    get: (path: string, headers: Record<string, string> = {}) => ask("GET", path, { headers }),
    delete: (path: string) => ask("DELETE", path),
    ask,
    /** Sends a form. */
    post: (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
      ask("POST", path, {
        headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
        body: String(new URLSearchParams(fields)),
      }),
    postJson: (path: string, value: unknown) =>
      ask("POST", path, { headers: { "content-type": "application/json" }, body: JSON.stringify(value) }),
  };
}

/** The value of the session's cookie in an answer. */
export function tokenOf(answer: Response): string {
  return /switchhook=([\w-]+)/.exec(answer.headers.getSetCookie().join())?.[1] ?? "";
}

/** fetch refuses to set `host`. */
function exchange(
  url: string,
  method: string,
  headers: Record<string, string>,
  body = "",
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = send(url, { method, headers: { ...headers, "content-length": Buffer.byteLength(body) } });
    request.on("error", reject);
    request.on("response", (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => {
        const got = new Headers();
        for (const [name, values = []] of Object.entries(answer.headersDistinct))
          for (const value of values) got.append(name, value);
        const status = answer.statusCode ?? 0;
        const empty = status === 204 || status === 304;
        resolve(new Response(empty ? null : Buffer.concat(chunks), { status, headers: got }));
      });
    });
    request.end(body);
  });
}
