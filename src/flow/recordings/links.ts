import { Rejected } from "../../core/errors.ts";
import type { CallLinks, LinkedCall } from "../../core/runtime.ts";
import type { TrackedCall } from "../../core/tracked-call.ts";
import { hmacSha256, sameBytes } from "../../lib/secrets.ts";
import type { Store } from "../../store/contract.ts";
import type { Flow, Installation } from "../installation.ts";

/** `<row id in base 36>-<192 bits of HMAC>`, and any ending: players go by it, we do not. */
const tokenPattern = /^([1-9a-z][0-9a-z]{0,9})-([\w-]{32})(?:\.\w{1,5})?$/;
const macBytes = 24;
/** The longest chain of transfers that merged one call into the next. */
const mostMerges = 20;

export type Recordings = ReturnType<typeof createRecordings>;

/**
 * Our links to recordings: unguessable, and the same for a call until its link is replaced. The row id finds the call
 * without a search; the signature covers the call's key too, so that a link never leads to another call that got the
 * same id after an old backup was restored.
 */
export function createRecordings(store: Pick<Store, "secret" | "callById">, publicUrl: string) {
  let loading: Promise<Uint8Array> | undefined;
  /** A secret that could not be loaded is loaded again the next time. */
  const secret = (): Promise<Uint8Array> => {
    loading ??= store.secret("recordings").catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };

  return {
    async links(): Promise<CallLinks> {
      const key = await secret();
      const urlTo = (page: string, { id, call, link }: LinkedCall, ending: string): string | undefined => {
        if (isWithdrawn({ link })) return undefined;
        const token = `${id.toString(36)}-${macOf(key, id, call.key, link).toString("base64url")}`;
        return `${publicUrl}/${page}/${token}${ending}`;
      };
      return {
        recordingUrl: (row) => urlTo("recordings", row, endingOf(row.call.recording?.ref)),
        transcriptUrl: (row) => urlTo("transcripts", row, ""),
      };
    },

    /**
     * The call that a token is for, or the one it was merged into; undefined for a token that we did not make.
     * Throws `Rejected(410)` for one that was taken back.
     */
    async find(token: string): Promise<TrackedCall | undefined> {
      const [, place = "", mac = ""] = tokenPattern.exec(token) ?? [];
      const id = Number.parseInt(place, 36);
      if (!Number.isSafeInteger(id)) return undefined;
      const row = await store.callById(id);
      const link = linkOf(await secret(), id, row, Buffer.from(mac, "base64url"));
      if (!row || link === undefined) return undefined;
      const survivor = await survivorOf(store, row);
      if (link !== row.link || isWithdrawn(survivor))
        throw new Rejected(410, "this link was taken back; the call in the CRM may have another one");
      return survivor;
    },
  };
}

/** The number of a link that was withdrawn for good; it still says how many links there were. */
export function withdrawn(link: number): number {
  return link < 0 ? link : -(link + 1);
}

/** The number of the link that replaces this one. */
export function nextLink(link: number): number {
  return link < 0 ? -link : link + 1;
}

function isWithdrawn({ link }: Pick<TrackedCall, "link">): boolean {
  return link < 0;
}

/** Players and HubSpot go by the ending: `.wav` when the provider's own link ends so, else `.mp3`. */
export function endingOf(ref: string | undefined): ".mp3" | ".wav" {
  const path = ref !== undefined && URL.canParse(ref) ? new URL(ref).pathname : "";
  return /\.wav$/i.test(path) ? ".wav" : ".mp3";
}

/** Which of a call's links this is, so far; compared with one even when there is no such call. */
function linkOf(key: Uint8Array, id: number, row: TrackedCall | undefined, mac: Buffer): number | undefined {
  const newest = row ? Math.max(row.link, -row.link - 1) : 0;
  let found: number | undefined;
  for (let link = newest; link >= 0; link -= 1)
    if (sameBytes(mac, macOf(key, id, row?.call.key ?? "", link))) found = link;
  return row && found;
}

/** The first link of a call is as it was before links could be replaced. */
function macOf(key: Uint8Array, id: number, callKey: string, link: number): Buffer {
  const which = link > 0 ? `\n${link}` : "";
  return hmacSha256(key, `recording\n${id}\n${callKey}${which}`).subarray(0, macBytes);
}

async function survivorOf(store: Pick<Store, "callById">, row: TrackedCall): Promise<TrackedCall> {
  let survivor = row;
  for (let merges = 0; survivor.mergedInto !== undefined && merges < mostMerges; merges += 1) {
    const next = await store.callById(survivor.mergedInto);
    if (!next) return survivor;
    survivor = next;
  }
  return survivor;
}

/**
 * Our link to the recording of the call that a provider of this installation knows by this id; an id of a leg that was
 * merged into another call leads to that one. Throws `Rejected(404)`.
 */
export async function recordingLinkOf(
  { store, links }: Pick<Flow, "store" | "links">,
  { settings, providers }: Pick<Installation, "settings" | "providers">,
  callId: string,
): Promise<string> {
  const legs = Object.keys(providers).map((provider) => ({ provider, callId }));
  const found = await store.groupsOf(settings.name, legs);
  const [first] = found;
  if (!first) throw new Rejected(404, `${settings.name} has no call with this id`);
  const { row } = found.find((group) => group.row.call.recording) ?? first;
  const link = row.call.recording && (await links()).recordingUrl(row);
  if (!link) throw new Rejected(404, "this call has no recording, or none yet");
  return link;
}
