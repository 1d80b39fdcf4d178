import { useQuery } from "@tanstack/react-query";
import { type SessionInfo, session } from "./api.ts";

/** Who is signed in; undefined until that is known. */
export function useSession(): SessionInfo | undefined {
  return useQuery({ queryKey: ["session"], queryFn: session, staleTime: 60_000 }).data;
}

/** Whether the person may do this; no, until that is known. */
export function useRight(right: keyof SessionInfo["rights"]): boolean {
  return useSession()?.rights[right] ?? false;
}
