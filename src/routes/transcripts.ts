import type { Response } from "express";
import { Rejected } from "../core/errors.ts";
import { recordingPolicyOf } from "../core/recording.ts";
import type { TrackedCall } from "../core/tracked-call.ts";
import type { Parts } from "../server/assemble.ts";
import { type Html, html, pageWith } from "./html.ts";
import { content, pathParameter, type Route } from "./route.ts";

/** The whole transcript of a call, for anyone with the link: the CRM has only its beginning. */
export function transcriptRoutes(parts: Pick<Parts, "flow" | "installations" | "recordings">): Route[] {
  return [
    {
      method: "get",
      path: "/transcripts/:token",
      guard: "open",
      summary: "The whole transcript of a call, for anyone with the link in the CRM.",
      replies: {
        200: content("A page.", "text/html"),
        404: "There is no such transcript.",
        410: "The link was revoked.",
      },
      handle: async (request, response) => {
        const row = await parts.recordings.find(pathParameter(request, "token"));
        if (!row) throw new Rejected(404, "there is no such transcript: the link is not one of ours");
        const { transcript, summary } = row.call;
        if (!transcript && !summary)
          throw new Rejected(404, "this call has no transcript yet, or none any more");
        send(response, pageOf(row, await playerOf(parts, row)));
      },
    },
  ];
}

function send(response: Response, page: Html): void {
  response.set({
    "cache-control": "private, no-store",
    "x-robots-tag": "noindex",
    "referrer-policy": "no-referrer",
  });
  response.type("html").send(page.html);
}

async function playerOf(
  { installations, recordings }: Pick<Parts, "installations" | "recordings">,
  row: TrackedCall,
): Promise<string | undefined> {
  const settings = installations.get(row.call.installation)?.settings;
  if (!settings || !row.call.recording || recordingPolicyOf(settings, row.call.line) === "none")
    return undefined;
  const url = (await recordings.links()).recordingUrl(row);
  return url && new URL(url).pathname;
}

function pageOf({ call }: TrackedCall, player: string | undefined): Html {
  const { startedAt, summary, transcript, talkSeconds } = call;
  return pageWith("Call transcript", {
    header: html`<h1>Call transcript</h1>
<p>${startedAt ?? ""}${talkSeconds === undefined ? "" : ` · ${talkSeconds} s`}</p>`,
    main: html`${player ? html`<audio controls preload="none" src="${player}"></audio>` : ""}
${summary ? html`<section><h2>Summary</h2><p>${summary}</p></section>` : ""}
${transcript ? html`<section><h2>Transcript</h2>${linesOf(transcript)}</section>` : ""}`,
  });
}

/** One paragraph per line, in one pass: a transcript may have a million lines. */
function linesOf(transcript: string): Html {
  return { html: html`<p>${transcript}</p>`.html.replace(/\r?\n/g, "</p><p>") };
}
