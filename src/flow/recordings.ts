import { hmacSha256, sameBytes } from "../lib/signature.ts";
import type { CallRow, Store } from "../store/contract.ts";

/** `<row id in base 36>-<192 bits of HMAC>`, and any ending: players go by it, we do not. */
const tokenPattern = /^([1-9a-z][0-9a-z]{0,9})-([\w-]{32})(?:\.\w{1,5})?$/;
const macBytes = 24;
/** Transfers that merged one call into the next. */
const mostMerges = 20;

export type Recordings = ReturnType<typeof createRecordings>;

/**
 * Our links to recordings: unguessable, and the same for a call as long as its store lives. The row id finds the call
 * without a search; the signature covers the call's key too, so that a link never leads to another call that got the
 * same id after an old backup was put back.
 */
export function createRecordings(inner: Store, publicUrl: string) {
  let key: Uint8Array | undefined;
  const ready = async (): Promise<Uint8Array> => {
    key ??= await inner.secret("recordings");
    return key;
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
      async groupsOf(...asked) {
        await ready();
        return inner.groupsOf(...asked);
      },
    } satisfies Store as Store,

    urlOf({ id, call }: Pick<CallRow, "id" | "call">): string {
      if (key === undefined) throw new Error(`no link yet: ${call.key} did not come out of this store`);
      const token = `${id.toString(36)}-${macOf(key, id, call.key).toString("base64url")}`;
      return `${publicUrl}/recordings/${token}${endingOf(call.recording?.ref)}`;
    },

    /** The call that a token is for, or the one it was merged into; undefined for a token that we did not make. */
    async find(token: string): Promise<CallRow | undefined> {
      const [, place = "", mac = ""] = tokenPattern.exec(token) ?? [];
      const id = Number.parseInt(place, 36);
      if (!Number.isSafeInteger(id)) return undefined;
      const row = await rowOf(inner, id);
      const expected = macOf(await ready(), id, row?.call.key ?? "");
      const genuine = sameBytes(Buffer.from(mac, "base64url"), expected);
      return row && genuine ? survivorOf(inner, row) : undefined;
    },
  };
}

/** Players and HubSpot go by the ending: `.wav` when the provider's own link ends so, else `.mp3`. */
export function endingOf(ref: string | undefined): ".mp3" | ".wav" {
  const path = ref !== undefined && URL.canParse(ref) ? new URL(ref).pathname : "";
  return /\.wav$/i.test(path) ? ".wav" : ".mp3";
}

function macOf(key: Uint8Array, id: number, callKey: string): Buffer {
  return hmacSha256(key, `recording\n${id}\n${callKey}`).subarray(0, macBytes);
}

async function survivorOf(store: Store, row: CallRow): Promise<CallRow> {
  let survivor = row;
  for (let merges = 0; survivor.mergedInto !== undefined && merges < mostMerges; merges += 1) {
    const next = await rowOf(store, survivor.mergedInto);
    if (!next) return survivor;
    survivor = next;
  }
  return survivor;
}

async function rowOf(store: Store, id: number): Promise<CallRow | undefined> {
  const [row] = await store.calls({ before: id + 1, limit: 1 });
  return row?.id === id ? row : undefined;
}
