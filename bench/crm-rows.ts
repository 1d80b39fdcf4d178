import { crms, drainInto, syncAll } from "./crm.ts";
import { oneCall } from "./one-call.ts";
import { type UnknownCallers, unknownCallers } from "./unknown-callers.ts";

type Row = (what: string, measured: string, target?: string, met?: boolean | "-") => void;
const names = { hubspot: "HubSpot", salesforce: "Salesforce" };
const callers = 3_000;

/** What emulated CRMs with the limits of the real ones see of us. */
export async function crmRows(
  folder: (name: string) => string,
  size: { drain: number; contacts: number },
  row: Row,
): Promise<object[]> {
  const results: object[] = [await unknownRows(folder, row)];
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

const deadlineMs = 1_500;

/** Callers who ring and whom only the CRM knows. */
async function unknownRows(folder: (name: string) => string, row: Row): Promise<object> {
  const told = ({ asked, failed, found, searches, p50, p99 }: UnknownCallers) =>
    `${found} of ${asked} found, ${failed} failed, ${searches} searches, p50 ${p50} ms, p99 ${p99} ms`;
  const steady = await unknownCallers(folder("unknown-20"), { rate: 20, seconds: 20, callers: 400 });
  row(
    "HubSpot: 20 callers a second whom the index does not know, for 20 s",
    told(steady),
    `all found, p99 ${deadlineMs} ms`,
    steady.failed === 0 && steady.found === steady.asked && steady.p99 < deadlineMs,
  );
  const many = await unknownCallers(folder("unknown-40"), { rate: 40, seconds: 20, callers: 800 });
  row(
    "HubSpot: 40 a second",
    told(many),
    "all answered, 95 % found",
    many.failed === 0 && many.found >= 0.95 * many.asked,
  );
  const one = await unknownCallers(folder("unknown-one"), { rate: 2_000, seconds: 0.01, callers: 1 });
  row("HubSpot: 20 first questions about one number", told(one), "1 search", one.searches === 1);
  return { steady, many, one };
}
