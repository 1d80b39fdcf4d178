import { request as forward } from "node:http";
import { pipeline } from "node:stream";
import { startUpstream } from "./upstream.ts";

/** HubSpot sends people back to https only, and to this machine by this name. */
const proxyHost = "localhost";

/** Passes requests on to wherever the server is, as a proxy with the public URL does. `strip`: a part of all its paths. */
export function startProxy(target: () => string, { strip = "" } = {}) {
  return startUpstream((request, response) => {
    const { method = "GET", headers } = request;
    const url = request.url?.replace(strip, "");
    const onward = forward(`${target()}${url}`, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      pipeline(answer, response, () => {});
    });
    onward.on("error", () => response.destroy());
    response.once("close", () => {
      if (!response.writableFinished) onward.destroy();
    });
    request.pipe(onward);
  }, proxyHost);
}
