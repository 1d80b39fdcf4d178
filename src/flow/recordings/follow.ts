import type { Call } from "../../core/call.ts";
import { ArchiveError, CrmError } from "../../core/errors.ts";
import { reasonOf } from "../../core/mask.ts";
import { type Archive, type AudioReply, isAudio, recordingPolicyOf } from "../../core/recording.ts";
import type { TrackedCall, TrackedRecording } from "../../core/tracked-call.ts";
import { patienceMs } from "../calls/due.ts";
import type { Flow, Installation } from "../installation.ts";
import { endingOf, withdrawn } from "./links.ts";
import { linkOf } from "./open.ts";

const atOnce = 4;
const mostTaken = 100;
const maxBytes = 500 * 1024 * 1024;
/** For a whole recording from a slow provider. */
const keepMs = 15 * 60_000;
const lookMs = 30_000;
const dayMs = 86_400_000;
/** Between attempts to find a recording or to repeat what failed; the last pause repeats. */
const pausesMs = [30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000];
const notifyAgainMs = 60_000;

export type Following = { flow: Flow; installation: Installation; archive?: Archive | undefined };

/**
 * Works off the recordings that are due: checks whether they can be played, archives copies where the policy says so,
 * notifies the CRM, and removes expired and erased copies. Returns how many it handled. A failure is retried later.
 */
export async function followRecordings(following: Following, signal?: AbortSignal): Promise<number> {
  const { flow, installation } = following;
  const due = await flow.store.dueRecordings(installation.settings.name, flow.now(), mostTaken);
  const left = [...due];
  const work = async (): Promise<void> => {
    for (let row = left.shift(); row && !signal?.aborted; row = left.shift())
      await follow(following, row, signal);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return due.length;
}

async function follow(
  following: Following,
  row: TrackedRecording,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { flow } = following;
  try {
    const call = row.state === "erase" ? undefined : await flow.store.callById(row.call);
    if (!call || call.state === "merged") return await forget(following, row);
    if (row.state === "deleted") return await settle(following, row, await withoutCopy(following, row));
    if (row.state === "kept" && row.toldAt !== undefined) return await expire(following, row);
    await advance(following, row, call, signal);
  } catch (error) {
    if (signal?.aborted) return;
    const reason = reasonOf(error);
    flow.limitedLog.seldom(
      "error",
      { installation: row.installation, reason },
      "a recording could not be processed; it will be retried",
    );
    const attempts = row.attempts + 1;
    const dueAt = flow.now() + pauseAfter(attempts);
    await flow.store.saveRecording({ ...row, attempts, dueAt, reason }, row.state);
  }
}

/** Saves the new state, unless the recording was erased or deleted meanwhile: then a copy made since is removed, too. */
async function settle(
  { flow, archive }: Following,
  was: TrackedRecording,
  row: TrackedRecording,
): Promise<void> {
  if (await flow.store.saveRecording(row, was.state)) return;
  if (row.place === undefined || row.place === was.place) return;
  if (!(await flow.store.leaveCopy(row.call, row.place, flow.now()))) await archive?.remove(row.place);
}

/**
 * Deletes a recording on request. Its links stop playing at once. Its copy is removed now, or as soon as the archive can
 * be reached: then the result says why not yet.
 */
export async function deleteRecording(
  { flow, archive }: Omit<Following, "installation">,
  { id, link, call }: TrackedCall,
): Promise<string | undefined> {
  const { store } = flow;
  await store.relink(id, withdrawn(link), flow.now());
  await store.deleteRecording({ call: id, installation: call.installation }, flow.now());
  const row = await store.recording(id);
  // An erasure removes all of it. Without a copy the lane finishes: a copy may be in the making.
  if (row?.state !== "deleted" || row.place === undefined) return undefined;
  try {
    await store.saveRecording(await withoutCopy({ archive }, row), "deleted");
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Removes the recording without a trace. */
async function forget(following: Following, row: TrackedRecording): Promise<void> {
  await withoutCopy(following, row);
  await following.flow.store.forgetRecording(row.call);
}

/** Removes a copy that is older than `recordingDays`. */
async function expire(following: Following, row: TrackedRecording): Promise<void> {
  const reason = `copies are kept for ${following.installation.settings.recordingDays} days`;
  await settle(following, row, { ...(await withoutCopy(following, row)), state: "expired", reason });
}

/** Removes its copy. Throws while the archive is unreachable or no longer configured. */
async function withoutCopy(
  { archive }: Pick<Following, "archive">,
  row: TrackedRecording,
): Promise<TrackedRecording> {
  const { dueAt: _, place, ...rest } = row;
  if (place !== undefined) {
    if (!archive) throw new Error("the archive that has this recording is not in the configuration any more");
    await archive.remove(place);
  }
  return rest;
}

async function advance(
  following: Following,
  row: TrackedRecording,
  call: TrackedCall,
  signal?: AbortSignal,
): Promise<void> {
  const { flow, installation, archive } = following;
  const { settings } = installation;
  const policy = recordingPolicyOf(settings, call.call.line);
  const keeps = policy === "archive" && archive !== undefined;
  if (policy === "none" || !call.call.recording) return forget(following, row);
  const found =
    row.seenAt !== undefined && !(keeps && row.place === undefined)
      ? row
      : await look(following, row, { call: call.call, keeps }, signal);
  if (found.seenAt === undefined) return settle(following, row, found);
  if (row.seenAt === undefined)
    flow.meter.recordingSeen(call.call.provider, Math.max(0, (found.seenAt - endOf(call, row)) / 1000));
  await settle(following, row, await notify(following, found, call, signal));
}

/** Requests the recording from the provider: the first byte, or all of it for the archive. */
async function look(
  following: Following,
  row: TrackedRecording,
  { call, keeps }: { call: Call; keeps: boolean },
  signal?: AbortSignal,
): Promise<TrackedRecording> {
  const { flow, installation, archive } = following;
  const configured = installation.providers[call.provider];
  const { recording } = call;
  if (!configured?.provider.recording || !recording)
    return missing(flow, row, "its provider has no recordings here");
  const limit = AbortSignal.timeout(keeps ? keepMs : lookMs);
  const within = signal ? AbortSignal.any([signal, limit]) : limit;
  const headers: Record<string, string> = keeps ? {} : { range: "bytes=0-0" };
  let reply: AudioReply;
  try {
    const request = { headers, signal: within };
    const link = linkOf(call, flow.now());
    reply = await configured.provider.recording(recording.ref, configured.settings, request, link);
  } catch (error) {
    if (signal?.aborted) throw error;
    return missing(flow, row, reasonOf(error));
  }
  if (!isAudio(reply)) {
    reply.body.destroy();
    return missing(flow, row, `the provider answers ${reply.status}`);
  }
  const { reason: _, ...rest } = row;
  const seen: TrackedRecording = { ...rest, state: "there", seenAt: row.seenAt ?? flow.now() };
  if (!keeps || !archive) {
    reply.body.destroy();
    return seen;
  }
  const sent = reply.headers["content-type"] ?? "";
  // Storage services send application/octet-stream for any file.
  const byEnding = endingOf(recording.ref) === ".wav" ? "audio/wav" : "audio/mpeg";
  const type = sent.startsWith("audio/") ? sent : byEnding;
  const name = nameOf(row);
  try {
    const copy = await archive.keep({ name, type, body: reply.body, maxBytes }, within);
    return { ...seen, ...copy, state: "kept" };
  } catch (error) {
    // A recording that the archive refuses for good plays from the provider, as long as it is there.
    if (!(error instanceof ArchiveError) || error.retry === "later") throw error;
    return { ...seen, reason: error.message };
  }
}

/** By account and month, for people who look through the archive; unique by the call's row. */
function nameOf({ call, installation, since }: TrackedRecording): string {
  const [year, month] = new Date(since).toISOString().split("-");
  return `${installation}/${year}/${month}/${call.toString(36)}`;
}

/** The next attempt, with growing pauses for a day; after that the recording is missing. */
function missing({ now }: Flow, row: TrackedRecording, reason: string): TrackedRecording {
  const { dueAt: _, ...rest } = row;
  const attempts = row.attempts + 1;
  const next = now() + pauseAfter(attempts);
  if (now() >= row.since + patienceMs) return { ...rest, attempts, state: "missing", reason };
  return { ...rest, attempts, reason, dueAt: Math.min(next, row.since + patienceMs) };
}

function pauseAfter(attempts: number): number {
  return pausesMs[Math.min(attempts, pausesMs.length) - 1] ?? dayMs;
}

/** Notifies the CRM that it may fetch the recording, once its activity is there. */
async function notify(
  { flow, installation }: Following,
  row: TrackedRecording,
  call: TrackedCall,
  signal?: AbortSignal,
): Promise<TrackedRecording> {
  const { connector, settings } = installation;
  const { dueAt: _, ...rest } = row;
  const overAt = row.place === undefined ? {} : { dueAt: endOf(call, row) + settings.recordingDays * dayMs };
  const done: TrackedRecording = { ...rest, ...overAt, toldAt: flow.now() };
  if (!connector.recordingReady || row.toldAt !== undefined) return done;
  if (call.activityId !== undefined && hasLink(call)) {
    try {
      await connector.recordingReady(call.activityId, signal);
      return done;
    } catch (error) {
      if (!(error instanceof CrmError) || error.retry === "never") throw error;
    }
  }
  if (flow.now() >= row.since + patienceMs) return done;
  return { ...rest, dueAt: flow.now() + notifyAgainMs };
}

/** Whether the CRM has the newest version of the call, with its link to the recording. */
function hasLink({ state, savedRevision, call }: TrackedCall): boolean {
  return state === "logged" && savedRevision >= call.revision;
}

function endOf({ call }: TrackedCall, { since }: TrackedRecording): number {
  return Date.parse(call.endedAt ?? "") || since;
}
