import type { Fault } from "../core/errors.ts";
import { isLoopbackHost, isLoopbackUrl } from "../core/loopback.ts";

/** `at`, `urlAt`: where the host and the public URL stand. `publicUrl`: absent = none is configured. */
type Doors = {
  host: string;
  at: string;
  isDemo: boolean;
  hasToken: boolean;
  publicUrl?: string;
  urlAt?: string;
};

const cure = "Set SWITCHHOOK_ADMIN_TOKEN to a random text: openssl rand -base64 32.";

/**
 * Whatever lets other machines reach the server needs an admin token. A `publicUrl` of another host means a reverse
 * proxy: nginx as Debian ships it forwards strangers from loopback, with a loopback `Host` and no header that tells
 * (measured with nginx 1.22, 2026-11).
 */
export function faultsOfOpenDoors({ host, at, isDemo, hasToken, publicUrl, urlAt = "" }: Doors): Fault[] {
  const stranger = `${host} can be reached from other machines`;
  if (isDemo && !isLoopbackHost(host)) {
    const cure = "Write a switchhook.json with your own installation, or use HOST=127.0.0.1.";
    return [{ at, problem: `${stranger}, and the secrets of the built-in demo are public.`, cure }];
  }
  if (hasToken) return [];
  const faults: Fault[] = [];
  if (!isLoopbackHost(host))
    faults.push({ at, problem: `${stranger}, and nothing guards the API and the console.`, cure });
  if (publicUrl !== undefined && !isLoopbackUrl(publicUrl)) {
    const problem = `${publicUrl} can be reached from other machines, and nothing guards the API and the console.`;
    faults.push({ at: urlAt, problem, cure });
  }
  return faults;
}
