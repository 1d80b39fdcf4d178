import { Rejected } from "../../core/errors.ts";
import type { LinkedCall } from "../../core/runtime.ts";
import type { TrackedCall } from "../../core/tracked-call.ts";
import { hmacSha256, sameBytes } from "../../lib/signature.ts";
import type { Store } from "../../store/contract.ts";

/** `<row id in base 36>-<192 bits of HMAC>`, and any ending: players go by it, we do not. */
const tokenPattern = /^([1-9a-z][0-9a-z]{0,9})-([\w-]{32})(?:\.\w{1,5})?$/;
const macBytes = 24;
/** Transfers that merged one call into the next. */
const mostMerges = 20;

export type Recordings = ReturnType<typeof createRecordings>;

/**
 * Our links to recordings: unguessable, and the same for a call until its link is replaced. The row id finds the call
 * without a search; the signature covers the call's key too, so that a link never leads to another call that got the
 * same id after an old backup was put back.
 */
export function createRecordings(inner: Store, publicUrl: string) {
  let key: Uint8Array | undefined;
  const ready = async (): Promise<Uint8Array> => {
    key ??= await inner.secret("recordings");
    return key;
  };

  const tokenOf = (secret: Uint8Array, { id, call, link }: LinkedCall): string =>
    `${id.toString(36)}-${macOf(secret, id, call.key, link).toString("base64url")}`;

  const urlTo = (page: "recordings" | "transcripts", row: LinkedCall, ending: string): string => {
    if (key === undefined) throw new Error(`no link yet: ${row.call.key} did not come out of this store`);
    return `${publicUrl}/${page}/${tokenOf(key, row)}${ending}`;
  };

  return {
    /** Gives out calls only once their links can be made, so that `urlOf` has nothing to wait for. */
    store: {
      ...inner,
      async dueCalls(...asked) {
        await ready();
        return inner.dueCalls(...asked);
      },
      async calls(...asked) {
        await ready();
        return inner.calls(...asked);
      },
      async callById(id) {
        await ready();
        return inner.callById(id);
      },
      async groupsOf(...asked) {
        await ready();
        return inner.groupsOf(...asked);
      },
    } satisfies Store as Store,

    /** Undefined when the link was taken back for good. */
    urlOf: (row: LinkedCall): string | undefined =>
      isWithdrawn(row) ? undefined : urlTo("recordings", row, endingOf(row.call.recording?.ref)),

    /** A page with all that was said in the call. */
    transcriptUrlOf: (row: LinkedCall): string | undefined =>
      isWithdrawn(row) ? undefined : urlTo("transcripts", row, ""),

    /**
     * The call that a token is for, or the one it was merged into; undefined for a token that we did not make.
     * Throws `Rejected(410)` for one that was taken back.
     */
    async find(token: string): Promise<TrackedCall | undefined> {
      const [, place = "", mac = ""] = tokenPattern.exec(token) ?? [];
      const id = Number.parseInt(place, 36);
      if (!Number.isSafeInteger(id)) return undefined;
      const row = await inner.callById(id);
      const link = linkOf(await ready(), id, row, Buffer.from(mac, "base64url"));
      if (!row || link === undefined) return undefined;
      const survivor = await survivorOf(inner, row);
      if (link !== row.link || isWithdrawn(survivor))
        throw new Rejected(410, "this link was taken back; the call in the CRM may have another one");
      return survivor;
    },
  };
}

/** The link of a call whose recording is to be heard by nobody. The numbers before it stay known. */
export function withdrawn(link: number): number {
  return link < 0 ? link : -(link + 1);
}

/** The link after this one: those before do not play any more. */
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

async function survivorOf(store: Store, row: TrackedCall): Promise<TrackedCall> {
  let survivor = row;
  for (let merges = 0; survivor.mergedInto !== undefined && merges < mostMerges; merges += 1) {
    const next = await store.callById(survivor.mergedInto);
    if (!next) return survivor;
    survivor = next;
  }
  return survivor;
}
