import type { Request, Response } from "express";
import type { Recording } from "../core/call.ts";
import { Rejected } from "../core/errors.ts";
import { type AudioReply, recordingPolicyOf } from "../core/recording.ts";
import type { TrackedCall } from "../core/tracked-call.ts";
import { endingOf } from "../flow/recordings/links.ts";
import { openRecording } from "../flow/recordings/open.ts";
import { singleRange } from "../lib/http.ts";
import { clientOf } from "../lib/outbound.ts";
import type { Parts } from "../server/assemble.ts";
import {
  type AudioLimits,
  audioHeaders,
  createListeners,
  type ListenerPlace,
  pumpAudio,
  usualLimits,
} from "./audio.ts";
import { type Html, html, pageWith } from "./html.ts";
import { content, pathParameter, type Route } from "./route.ts";

const bug = { status: 500, retryAfterSeconds: undefined };

const description = {
  summary: "The recording of a call, for anyone with its link; Range is honoured.",
  replies: {
    200: content("The audio.", "audio/*"),
    206: content("A part of it.", "audio/*"),
    404: "There is no such recording, or not yet.",
    410: "It is not stored any more, or the link was revoked.",
    416: { about: "There is no such part." },
    429: "Too many are playing this one, or too many of one address: try again later.",
    502: "The provider does not return it.",
    503: "Too many are playing: try again later.",
  },
};

/** Recordings for anyone with a link: the CRM's player sends no password, so the token is the guard. */
export function recordingRoutes(
  {
    flow,
    installations,
    recordings,
    archive,
  }: Pick<Parts, "flow" | "installations" | "recordings" | "archive">,
  limits: AudioLimits = usualLimits,
): Route[] {
  const { take } = createListeners(limits);

  const play = async (
    request: Request,
    response: Response,
    row: TrackedCall,
    place: ListenerPlace,
  ): Promise<void> => {
    const { recording, provider, installation } = row.call;
    const left = new AbortController();
    response.once("close", () => left.abort());
    if (response.destroyed) return;
    // A link signed for GET refuses HEAD, so HEAD is a GET that ends after its headers.
    const audioRequest = { headers: wanted(request), signal: left.signal };
    const { reply, source } = await openRecording(
      { flow, installation: installations.get(installation), archive },
      row,
      audioRequest,
    );
    const passed = (bytes: number) => flow.meter.streamed(provider, source, bytes);
    try {
      refuseUnplayable(reply, recording, flow.now());
      response.writeHead(reply.status, audioHeaders(reply, endingOf(recording?.ref), limits.bytes));
      if (request.method === "HEAD" || reply.status === 416) response.end();
      else await pumpAudio(reply.body, response, limits, { ...place, passed });
    } finally {
      reply.body.destroy();
    }
  };

  /** Takes a place, plays, and always releases the place. */
  const admit = async (request: Request, response: Response, row: TrackedCall): Promise<void> => {
    const end = () => {
      flow.limitedLog.info(
        { call: row.call.key },
        "a listener that had taken nothing for a while was disconnected to make room for another",
      );
      response.destroy();
    };
    const place = take({ link: row.id, client: clientOf(request.socket.remoteAddress ?? ""), end });
    try {
      await play(request, response, row, place);
    } finally {
      place.leave();
    }
  };

  const handle = async (request: Request, response: Response): Promise<void> => {
    let row: TrackedCall | undefined;
    try {
      row = await recordings.find(pathParameter(request, "token"));
      if (!row) throw new Rejected(404, "there is no such recording: the link is not one of ours");
      await admit(request, response, row);
    } catch (error) {
      if (response.destroyed) return;
      const { status, retryAfterSeconds } = error instanceof Rejected ? error : bug;
      if (retryAfterSeconds !== undefined) response.setHeader("retry-after", retryAfterSeconds);
      if (status < 500 && status !== 429) throw error;
      // Not left to the error handler, which logs the path: anyone with the path can listen.
      flow.limitedLog.warn(
        { ...(row && { call: row.call.key, provider: row.call.provider }), status, err: error },
        "a recording could not be played",
      );
      fail(response, error);
    }
  };

  return [{ method: "get", path: "/recordings/:token", guard: "open", ...description, handle }];
}

/** At most one range: a response with several parts would not be audio. */
function wanted({ headers }: Request): Record<string, string> {
  const range = singleRange(headers.range);
  const ifRange = headers["if-range"];
  if (range === undefined) return {};
  if (ifRange === undefined) return { range };
  return typeof ifRange === "string" && /^[\x20-\x7e]{1,200}$/.test(ifRange)
    ? { range, "if-range": ifRange }
    : {};
}

/** Throws `Rejected` with a sentence for the listener when the provider did not return audio. */
function refuseUnplayable({ status }: AudioReply, recording: Recording | undefined, now: number): void {
  const expiresAt = recording?.expiresAt;
  if (status === 200 || status === 206 || status === 416) return;
  const refused = status === 401 || status === 403;
  const missing = status === 404 || status === 410;
  if ((refused || missing) && expiresAt !== undefined && Date.parse(expiresAt) <= now) {
    throw new Rejected(410, `the provider's own link to this recording expired at ${expiresAt}`);
  }
  if (missing) throw new Rejected(404, "the provider does not have this recording (any more, or not yet)");
  if (refused) {
    throw new Rejected(
      502,
      `the provider refuses the recording (${status}): check its API credentials in the installation's settings`,
    );
  }
  throw new Rejected(502, `the provider answered ${status} instead of the recording: try again later`);
}

function fail(response: Response, error: unknown): void {
  if (response.headersSent) {
    // Too late for a status: the broken connection tells the player that the recording is incomplete.
    response.destroy();
    return;
  }
  const known = error instanceof Rejected;
  const message = known ? error.message : "something went wrong here; the log says what";
  response
    .set("cache-control", "no-store")
    .status(known ? error.status : 500)
    .json({ error: message });
}

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
