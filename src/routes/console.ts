import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Request, Response } from "express";
import { type Html, html, pageWith } from "./html.ts";
import { adminRoute, pathParameter, type Route } from "./route.ts";

/** Where the build of the console is, in the checkout as in the package. */
const built = join(import.meta.dirname, "../../console/dist");

/** The pages of the console; what each shows is decided in the browser, by its address. */
const pages = ["/", "/calls", "/calls/:key", "/failures", "/live", "/mapping", "/mapping/:name", "/setup"];

/** The page of the console at each of its addresses, and its files. */
export function consoleRoutes(): Route[] {
  const template = openTemplate();
  const shown = pages.map((path) =>
    adminRoute({
      method: "get",
      path,
      needs: "view",
      // The query is the page's own.
      anyQuery: true,
      handle: (request, response) => sendPage(template, request, response),
    }),
  );
  return [...shown, ...assetRoutes()];
}

/** The files of the console have their hash in their name. They are the same for everyone, and not secret. */
function assetRoutes(): Route[] {
  const send =
    (folder: string, file: (request: Request) => string) => (request: Request, response: Response) =>
      new Promise<void>((done, failed) => {
        response.sendFile(
          file(request),
          { root: join(built, folder), immutable: true, maxAge: "1y" },
          (error) => (error && !response.headersSent ? failed(error) : done()),
        );
      });
  return [
    {
      method: "get",
      path: "/assets/:file",
      guard: "open",
      handle: send("assets", (request) => pathParameter(request, "file")),
    },
    { method: "get", path: "/icon.svg", guard: "open", handle: send("", () => "icon.svg") },
  ];
}

/** Reads the page on first use: a server that only takes webhooks needs no build. */
function openTemplate(): () => string | undefined {
  let page: string | undefined;
  return () => {
    try {
      page ??= readFileSync(join(built, "index.html"), "utf8");
    } catch {
      return undefined;
    }
    return page;
  };
}

function sendPage(template: () => string | undefined, request: Request, response: Response): void {
  const page = template();
  response.set("cache-control", "no-store").type("html");
  if (page === undefined) {
    response.status(503).send(notBuilt.html);
    return;
  }
  const nonce = randomBytes(16).toString("base64");
  const policy = String(response.getHeader("content-security-policy") ?? "");
  response.set(
    "content-security-policy",
    policy.replace("style-src 'self'", `style-src 'self' 'nonce-${nonce}'`),
  );
  response.send(page.replace("%BASE%", baseOf(request.path)).replace("%NONCE%", nonce));
}

/** The path of the root as seen from a page, so that a proxy may add a part to all paths. */
function baseOf(path: string): string {
  return "../".repeat(path.split("/").length - 2) || "./";
}

const notBuilt: Html = pageWith("The console is not built", {
  main: html`<p>Webhooks are taken and calls are logged as usual; only these pages are missing.</p>
<p>Build them in the folder of Switchhook, then load this page again:</p>
<pre>node scripts/run.mjs scripts/console.mjs</pre>`,
});
