import type { SimulatedCall, SimulatedRequest } from "../../src/core/provider.ts";

type Told = Pick<SimulatedCall, "direction" | "customer" | "outcome"> & Partial<SimulatedCall>;

/** `change`: what the provider's last messages tell besides. */
export type DemoCall = { kind: string; provider: string; call: Told; change?: Record<string, unknown> };

const [asha, sam, piet, shop, nobody] = [
  "+919876543210",
  "+12137771234",
  "+31612345678",
  "+31501234567",
  "+12025550199",
];
const answered = { outcome: "completed", talkSeconds: 145 } as const;
const unanswered = { outcome: "no-answer", talkSeconds: 0, ringSeconds: 22 } as const;
const inbound = "inbound";
const outbound = "outbound";

/** One call of each kind that the providers' scripts can tell; docs/timeline.md has them all. */
export const demoCalls: readonly DemoCall[] = [
  { kind: "answered", provider: "voys", call: { direction: inbound, customer: piet, ...answered } },
  { kind: "missed", provider: "voys", call: { direction: inbound, customer: shop, ...unanswered } },
  { kind: "withheld", provider: "voys", call: { direction: inbound, customer: "anonymous", ...unanswered } },
  {
    kind: "outbound, busy",
    provider: "voys",
    call: { direction: outbound, customer: piet, outcome: "busy", talkSeconds: 0 },
  },
  { kind: "answered", provider: "exotel", call: { direction: inbound, customer: asha, ...answered } },
  { kind: "unknown caller", provider: "exotel", call: { direction: inbound, customer: nobody, ...answered } },
  {
    kind: "outbound, reached",
    provider: "exotel",
    call: { direction: outbound, customer: asha, ...answered },
  },
  {
    kind: "outbound, no answer",
    provider: "exotel",
    call: { direction: outbound, customer: asha, ...unanswered },
  },
  { kind: "answered", provider: "bird", call: { direction: inbound, customer: shop, ...answered } },
  { kind: "missed", provider: "bird", call: { direction: inbound, customer: piet, ...unanswered } },
  { kind: "outbound, reached", provider: "bird", call: { direction: outbound, customer: shop, ...answered } },
  { kind: "AI call", provider: "retell", call: { direction: inbound, customer: sam, ...answered } },
  {
    kind: "short AI call",
    provider: "retell",
    call: { direction: inbound, customer: sam, outcome: "completed", talkSeconds: 3 },
  },
  {
    kind: "AI call, no answer",
    provider: "retell",
    call: { direction: outbound, customer: sam, ...unanswered },
  },
  {
    kind: "AI voicemail left",
    provider: "retell",
    call: { direction: outbound, customer: sam, outcome: "completed", talkSeconds: 20 },
    change: { disconnection_reason: "voicemail_reached", recording_url: undefined },
  },
  {
    kind: "AI call, transferred",
    provider: "retell",
    call: { direction: inbound, customer: sam, ...answered },
    change: {
      disconnection_reason: "call_transfer",
      transfer_destination: "+12137770000",
      recording_url: undefined,
    },
  },
];

/** The request with what the call tells besides, when it is one of its last. */
export function changed(request: SimulatedRequest, change: DemoCall["change"]): SimulatedRequest {
  if (!change) return request;
  const body = JSON.parse(Buffer.from(request.body).toString()) as { call?: Record<string, unknown> };
  if (body.call?.["end_timestamp"] === undefined) return request;
  return { ...request, body: Buffer.from(JSON.stringify({ ...body, call: { ...body.call, ...change } })) };
}
