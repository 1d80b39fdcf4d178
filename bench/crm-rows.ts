import { crms, drainInto, syncAll } from "./crm.ts";
import { oneCall } from "./one-call.ts";

type Row = (what: string, measured: string, target?: string, met?: boolean | "-") => void;
const names = { hubspot: "HubSpot", salesforce: "Salesforce" };
const callers = 3_000;

/** What emulated CRMs with the limits of the real ones see of us. */
export async function crmRows(
  folder: (name: string) => string,
  size: { drain: number; contacts: number },
  row: Row,
): Promise<object[]> {
  const results: object[] = [];
  for (const crm of crms) {
    const name = names[crm];
    const one = await oneCall(crm);
    row(`${name}: requests of one call alone, caller not in the index`, `${one.cold}`, "3", one.cold <= 3);
    row(`${name}: requests of one call alone, caller in the index`, `${one.warm}`, "2", one.warm <= 2);
    const drained = await drainInto(crm, folder(`into-${crm}`), size.drain, callers);
    const each = drained.requests / drained.logged;
    const share = drained.allowed / drained.seconds;
    row(
      `${name}: drain of ${drained.calls} calls of ${callers} callers, index empty, 100 ms a request`,
      `${drained.seconds.toFixed(1)} s, ${drained.requests} requests = ${each.toFixed(3)} a call, ${drained.logged} logged`,
      "0.06 a call",
      each <= 0.06 && drained.logged === drained.calls,
    );
    const least = `${drained.allowed.toFixed(1)} s`;
    const measure =
      crm === "hubspot" ? `the limits need ${least}` : `one request after another takes ${least}`;
    row(`  of what is possible (${measure})`, `${share.toFixed(2)} x`, "0.8 x", share >= 0.8);
    row("  resident memory meanwhile", `${drained.rssMb} MB`, "300 MB", drained.rssMb < 300);
    const synced = await syncAll(crm, folder(`sync-${crm}`), size.contacts);
    row(
      `${name}: ${size.contacts} contacts into the index`,
      `${synced.seconds.toFixed(0)} s, ${synced.requests} requests, ${synced.rssMb} MB`,
      "300 MB",
      synced.rssMb < 300,
    );
    const { p50, p99, failed } = synced.asked;
    row(
      "  inbound answers at 100/s meanwhile",
      `p50 ${p50} ms, p99 ${p99} ms, ${failed} failed`,
      "p99 10 ms",
      p99 <= 10 && failed === 0,
    );
    results.push({ one, drained, synced });
  }
  return results;
}
