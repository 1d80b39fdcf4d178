import type { Archive } from "../../core/archive.ts";
import { type AudioReply, isAudio } from "../../core/audio.ts";
import type { Call } from "../../core/call.ts";
import { ArchiveError, CrmError } from "../../core/errors.ts";
import { reasonOf } from "../../core/mask.ts";
import { recordingPolicyOf } from "../../core/recording-policy.ts";
import type { TrackedCall, TrackedRecording } from "../../core/tracked-call.ts";
import { patienceMs } from "../calls/due.ts";
import type { Flow, Installation } from "../installation.ts";
import { endingOf, withdrawn } from "./links.ts";
import { linkOf } from "./open.ts";

const atOnce = 4;
const mostTaken = 100;
const maxBytes = 500 * 1024 * 1024;
/** The whole of a recording, from a slow provider. */
const keepMs = 15 * 60_000;
const lookMs = 30_000;
const dayMs = 86_400_000;
/** Between two looks for a recording that is not there yet, or two tries after trouble; the last one again and again. */
const pausesMs = [30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000];
const tellAgainMs = 60_000;

export type Following = { flow: Flow; installation: Installation; archive?: Archive | undefined };

/**
 * Does what is due about recordings: looks whether they can be played, keeps copies where that is wanted, tells the CRM,
 * and removes what is over or was erased. Returns how many it went through. What fails is tried again on its own.
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
      "a recording could not be looked after; it is tried again",
    );
    const attempts = row.attempts + 1;
    const dueAt = flow.now() + pauseAfter(attempts);
    await flow.store.saveRecording({ ...row, attempts, dueAt, reason }, row.state);
  }
}

/** Saves what became of it, unless somebody had it erased or deleted meanwhile: then a copy made since goes, too. */
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
 * On request: no link plays it from here on, whatever becomes of its copy. That goes at once, or as soon as the archive
 * can be reached; resolves with why it could not be yet.
 */
export async function deleteRecording(
  { flow, archive }: Omit<Following, "installation">,
  { id, link, call }: TrackedCall,
): Promise<string | undefined> {
  const { store } = flow;
  await store.relink(id, withdrawn(link), flow.now());
  await store.deleteRecording({ call: id, installation: call.installation }, flow.now());
  const row = await store.recording(id);
  // One that is to be erased goes as a whole. Without a copy the lane ends it: one that is being made may still come.
  if (row?.state !== "deleted" || row.place === undefined) return undefined;
  try {
    await store.saveRecording(await withoutCopy({ archive }, row), "deleted");
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Nothing of it stays. */
async function forget(following: Following, row: TrackedRecording): Promise<void> {
  await withoutCopy(following, row);
  await following.flow.store.forgetRecording(row.call);
}

/** Its time in the archive is over. */
async function expire(following: Following, row: TrackedRecording): Promise<void> {
  const reason = `copies are kept for ${following.installation.settings.recordingDays} days`;
  await settle(following, row, { ...(await withoutCopy(following, row)), state: "expired", reason });
}

/** Removes its copy, after which nothing is left to do. An archive that is not set up any more cannot be reached: then it waits for that. */
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
  await settle(following, row, await tell(following, found, call, signal));
}

/** Asks the provider for it: a first byte, or all of it for the archive. */
async function look(
  following: Following,
  row: TrackedRecording,
  { call, keeps }: { call: Call; keeps: boolean },
  signal?: AbortSignal,
): Promise<TrackedRecording> {
  const { flow, installation, archive } = following;
  const configured = installation.providers[call.provider];
  const { recording } = call;
  if (!configured?.provider.recording || !recording) return missing(flow, row, "nobody can be asked for it");
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
  const told = reply.headers["content-type"] ?? "";
  // Storage services call everything application/octet-stream.
  const byEnding = endingOf(recording.ref) === ".wav" ? "audio/wav" : "audio/mpeg";
  const type = told.startsWith("audio/") ? told : byEnding;
  const name = nameOf(row);
  try {
    const kept = await archive.keep({ name, type, body: reply.body, maxBytes }, within);
    return { ...seen, ...kept, state: "kept" };
  } catch (error) {
    // What the archive will never take plays from the provider, for as long as that has it.
    if (!(error instanceof ArchiveError) || error.retry === "later") throw error;
    return { ...seen, reason: error.message };
  }
}

/** By account and month, so that people find their way; unique by the call's row. */
function nameOf({ call, installation, since }: TrackedRecording): string {
  const [year, month] = new Date(since).toISOString().split("-");
  return `${installation}/${year}/${month}/${call.toString(36)}`;
}

/** It is looked for again with growing pauses, for a day. */
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

/** The CRM may fetch it, once its activity is there. */
async function tell(
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
  return { ...rest, dueAt: flow.now() + tellAgainMs };
}

/** Whether the activity is in the CRM as the call is now, its link to the recording included. */
function hasLink({ state, savedRevision, call }: TrackedCall): boolean {
  return state === "logged" && savedRevision >= call.revision;
}

function endOf({ call }: TrackedCall, { since }: TrackedRecording): number {
  return Date.parse(call.endedAt ?? "") || since;
}
