import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { base } from "../api.ts";

/** Changes come in bursts: the lists are read again at most this often. */
const refreshMs = 500;

/**
 * Listens for calls that change, and has what is shown of them read again. Returns whether the server can be reached;
 * when it comes back, everything is read again.
 */
export function useLiveCalls(): { isConnected: boolean } {
  const client = useQueryClient();
  const [isConnected, setConnected] = useState(true);
  useEffect(() => {
    const changed = new Set<string>();
    let timer: number | undefined;
    const refresh = () => {
      timer = undefined;
      for (const key of changed) void client.invalidateQueries({ queryKey: ["call", key] });
      changed.clear();
      void client.invalidateQueries({ queryKey: ["calls"] });
    };
    const source = new EventSource(`${base}api/events`);
    let wasAway = false;
    source.onopen = () => {
      setConnected(true);
      if (wasAway) void client.invalidateQueries();
      wasAway = false;
    };
    source.onerror = () => {
      wasAway = true;
      setConnected(false);
    };
    source.addEventListener("call", (event: MessageEvent<string>) => {
      const { key } = JSON.parse(event.data) as { key: string };
      changed.add(key);
      timer ??= window.setTimeout(refresh, refreshMs);
    });
    return () => {
      window.clearTimeout(timer);
      source.close();
    };
  }, [client]);
  return { isConnected };
}
