import { mkdirSync } from "node:fs";
import { fillContacts, fillDeliveries } from "./fill.ts";
import { phoneCosts } from "./phone-cost.ts";
import * as scenarios from "./scenarios.ts";
import { stepCosts } from "./steps.ts";

type Row = (what: string, measured: string, target?: string, met?: boolean | "-") => void;
type Size = {
  rounds: number;
  seconds: number;
  sustained: number;
  stored: number;
  contacts: number;
  answers: number;
  drain: number;
};

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const ratio = (a: number, b: number): number => Math.round((a / b) * 100) / 100;

/** The door, the whole route to the local CRM, and the answers, next to a bare Express 5 app in the same run. */
export async function doorRows(
  folder: (name: string) => string,
  size: Size,
  row: Row,
): Promise<Record<string, unknown>> {
  const results: Record<string, unknown> = {};
  console.log(
    `filling a store with ${size.stored} deliveries and an index with ${size.contacts} contacts ...`,
  );
  mkdirSync(folder("full"), { recursive: true });
  mkdirSync(folder("contacts"), { recursive: true });
  await fillDeliveries(folder("full"), size.stored);
  await fillContacts(folder("contacts"), size.contacts);

  const rounds = [];
  for (let round = 0; round < size.rounds; round++) {
    const bare = await scenarios.bareAcks(size.seconds);
    const empty = await scenarios.durableAcks(folder("empty"), size.seconds, false);
    const full = await scenarios.durableAcks(folder("full"), size.seconds, true);
    rounds.push({ bare, empty, full });
    console.log(
      `round ${round + 1}: bare ${bare.perSecond}/s, ours ${empty.perSecond}/s, ours with ${size.stored} stored ${full.perSecond}/s`,
    );
  }
  results["acks"] = rounds;
  const bare = median(rounds.map((r) => r.bare.perSecond));
  const empty = median(rounds.map((r) => r.empty.perSecond));
  const full = median(rounds.map((r) => r.full.perSecond));
  row("bare Express 5, express.raw, nothing verified or stored", `${bare}/s`);
  row(
    "durable acks, empty store",
    `${empty}/s = ${ratio(empty, bare)} x bare`,
    "1.5 x bare",
    empty >= 1.5 * bare,
  );
  row(
    "  latency of an ack at 64 connections",
    `p50 ${median(rounds.map((r) => r.empty.p50))} ms, p99 ${median(rounds.map((r) => r.empty.p99))} ms`,
  );
  row(
    `durable acks, ${size.stored} deliveries stored`,
    `${full}/s = ${ratio(full, empty)} x empty`,
    "0.95 x empty",
    full >= 0.95 * empty,
  );
  const startMs = Math.round(Math.max(...rounds.map((r) => r.full.startMs)));
  row(`start with ${size.stored} deliveries stored`, `${startMs} ms`, "2000 ms", startMs < 2_000);

  const steps = await stepCosts(folder("steps"));
  results["steps"] = steps;
  row("share of each step of an ack, CPU", steps.map(({ step, us }) => `${step} ${us} us`).join(", "));

  const phone = phoneCosts();
  results["phone"] = phone;
  row(
    "identity of a phone number, CPU",
    `${phone.plain} us in E.164, ${phone.typed} us with a remark`,
    "1 us in E.164",
    phone.plain < 1,
  );

  results["busy"] = await busyRow(folder("busy"), { rate: Math.round(0.1 * bare), ...size }, row);

  const shares = [0.6, 0.45, 0.3, 0.2, 0.15, 0.1];
  const trials = [];
  let held: Awaited<ReturnType<typeof scenarios.sustained>> | undefined;
  for (const share of shares) {
    const trial = await scenarios.sustained(
      folder("sustained"),
      Math.round(share * bare),
      Math.min(10, size.sustained),
    );
    trials.push({ share, ...trial });
    console.log(
      `trial at ${share} x bare: ${trial.perSecond}/s of ${trial.offered}/s, lag ${trial.lagMs} ms`,
    );
    if (!kept(trial)) continue;
    held = await scenarios.sustained(folder("sustained"), Math.round(share * bare), size.sustained);
    trials.push({ share, ...held });
    if (kept(held)) break;
  }
  results["sustained"] = trials;
  if (held) {
    const share = ratio(held.perSecond, bare);
    row(
      `whole route for ${size.sustained} s, lag under 2 s`,
      `${held.perSecond}/s = ${share} x bare, lag at most ${held.lagMs} ms`,
      "0.3 x bare",
      share >= 0.3,
    );
    row("  resident memory meanwhile", `${held.rssMb} MB`, "250 MB", held.rssMb < 250);
  }

  const answered = await scenarios.answers(folder("contacts"), size.contacts, size.answers);
  results["answers"] = answered;
  row(
    `inbound answers at 200/s, ${size.contacts} contacts, 500 events/s coming in`,
    `p50 ${answered.asked.p50} ms, p99 ${answered.asked.p99} ms, ${answered.asked.failed} failed`,
    "p99 10 ms",
    answered.asked.p99 <= 10 && answered.asked.failed === 0,
  );
  row("  resident memory meanwhile", `${answered.rssMb} MB`, "250 MB", answered.rssMb < 250);
  const hanging = await scenarios.answersWhileCrmHangs(folder("hang"), Math.min(10, size.answers));
  results["hanging"] = hanging;
  row(
    "inbound answers while the CRM hangs (deadline 1500 ms)",
    `slowest ${hanging.max} ms, ${hanging.failed} failed`,
    "1550 ms, always 200",
    hanging.max <= 1_550 && hanging.failed === 0,
  );

  const drained = await scenarios.drain(folder("drain"), size.drain);
  results["drain"] = drained;
  row(
    `drain of ${drained.calls} ended calls into the local CRM`,
    `${drained.seconds.toFixed(1)} s = ${drained.perSecond} calls/s, ${drained.rssMb} MB`,
    "250 MB",
    drained.rssMb < 250,
  );
  return results;
}

/** The p99 of an ack while all lanes work, against that of the door alone at the same rate. */
async function busyRow(
  folder: string,
  { rate, rounds, seconds }: { rate: number; rounds: number; seconds: number },
  row: Row,
): Promise<object> {
  const alone: number[] = [];
  const busy: number[] = [];
  for (let round = 0; round < rounds; round++) {
    alone.push((await scenarios.steadyAcks(folder, { lanes: false, rate, seconds })).p99);
    busy.push((await scenarios.steadyAcks(folder, { lanes: true, rate, seconds })).p99);
  }
  const [door, lanes] = [median(alone), median(busy)];
  row(
    `p99 of an ack at ${rate}/s with all lanes at work`,
    `${lanes} ms = ${ratio(lanes, door)} x the door alone (${door} ms)`,
    "2 x the door alone",
    lanes <= 2 * door,
  );
  return { alone, busy };
}

function kept({ lagMs, perSecond, offered }: { lagMs: number; perSecond: number; offered: number }): boolean {
  return lagMs < 2_000 && perSecond > 0.95 * offered;
}
