import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type Contact, chooseContact, type Owner } from "../../core/contact.ts";
import { reasonOf } from "../../core/mask.ts";
import { identityOf, isWithheld, maskNumber, toE164 } from "../../core/phone.ts";
import type { Answer, Question } from "../../core/provider.ts";
import type { ConfiguredProvider } from "../../core/runtime.ts";
import { agentIdOf } from "../../core/settings.ts";
import { limitedTexts, type Rendering } from "../../mapping/rendering.ts";
import type { View } from "../../mapping/view.ts";
import type { StoredAnswer } from "../../store/contract.ts";
import { whyNotLookedUp } from "../calls/match.ts";
import type { Flow, Installation } from "../installation.ts";
import { logLimited } from "../limited-log.ts";

/** How long the same bytes count as the same question, for providers that send no call id. */
const sameQuestionMs = 60_000;

type FoundContact = { contact?: Contact; source: "index" | "crm" | "none"; reason: string };

/** A question of an AI voice agent, and the bytes that it came in. */
export type LiveQuestion = { configured: ConfiguredProvider; question: Question; body: Uint8Array };

/**
 * Answers an AI voice agent about a caller who still hears the ringing tone. Never throws and never takes longer than the
 * installation's deadline: after any failure the default agent takes the call. Repeated questions about a call get the
 * same answer.
 */
export async function answerQuestion(
  flow: Flow,
  installation: Installation,
  { configured, question, body }: LiveQuestion,
): Promise<Answer> {
  const ref = refOf(question, body);
  const mark = `${installation.settings.name} ${configured.provider.id} ${ref}`;
  const underWay = flow.pendingAnswers.get(mark);
  if (underWay) return underWay;
  const deciding = answerOnce(flow, installation, { configured, question, ref });
  const answer = deciding.then((given) => given.answer);
  flow.pendingAnswers.set(mark, answer);
  // The caller does not wait until the answer is stored; a retry that comes meanwhile gets the same one.
  void deciding.then((given) => given.stored).finally(() => flow.pendingAnswers.delete(mark));
  return answer;
}

function refOf({ callId }: Question, body: Uint8Array): string {
  return callId ?? `sha256:${createHash("sha256").update(body).digest("hex")}`;
}

async function answerOnce(
  flow: Flow,
  installation: Installation,
  { configured, question, ref }: Omit<LiveQuestion, "body"> & { ref: string },
): Promise<{ answer: Answer; stored?: Promise<unknown> }> {
  const { settings } = installation;
  const { provider, defaultAgent, chatAgent } = configured;
  const started = flow.now();
  const usual = question.kind === "chat" ? chatAgent : defaultAgent;
  const fallback: Answer = { variables: {}, metadata: {}, ...(usual && { agentId: usual }) };
  try {
    const before = await flow.store.answer(settings.name, provider.id, ref);
    if (before && (question.callId !== undefined || started - before.at < sameQuestionMs))
      return { answer: before.reply as Answer };
    const number = identityOf(question.from, settings.region);
    const found = await findCaller(flow, installation, question, number);
    const owner = await ownerOf(flow, installation, found.contact);
    const rendering = installation
      .mapping()
      .render(viewOf(installation, configured, question, { ...found, owner }));
    const { answer, chosenBy } = decide(installation, configured, question, rendering);
    logLimited(flow, settings.name, rendering.limited);
    const why = {
      ...found,
      contact: found.contact && { id: found.contact.id, kind: found.contact.kind },
      owner: owner?.id,
      chosenBy,
      ...(rendering.limited.length > 0 && { limited: limitedTexts(rendering.limited) }),
    };
    const stored = remember(flow, installation, provider.id, {
      ref,
      at: started,
      reply: answer,
      why,
      ...(number && { number }),
      ...(question.callId === undefined && { outdatedBefore: started - sameQuestionMs }),
    });
    const given = flow.store.shared ? await firstOf(stored, answer) : answer;
    const took = flow.now() - started;
    flow.meter.answered(provider.id, found.source, took / 1000);
    flow.log.info(
      {
        installation: settings.name,
        provider: provider.id,
        number: maskNumber(number),
        source: found.source,
        agent: given.agentId,
        ms: took,
      },
      `answered an inbound call: ${chosenBy}`,
    );
    return { answer: given, stored };
  } catch (error) {
    flow.meter.answered(provider.id, "fallback", (flow.now() - started) / 1000);
    flow.limitedLog.seldom(
      "error",
      { installation: settings.name, provider: provider.id, err: error },
      "answered an inbound call with the default agent",
    );
    return { answer: fallback };
  }
}

async function findCaller(
  flow: Flow,
  installation: Installation,
  { from }: Question,
  number: string | undefined,
): Promise<FoundContact> {
  const { name, contactOrder, answerDeadlineMs } = installation.settings;
  const why = whyNotLookedUp(installation, from, number);
  if (why !== undefined || number === undefined) return { source: "none", reason: `not looked up: ${why}` };
  const indexed = (await flow.store.contactsByNumber(name, [number])).get(number);
  if (indexed) return { ...chooseContact(indexed, contactOrder), source: "index" };
  const deadline = AbortSignal.timeout(answerDeadlineMs);
  try {
    const found = await installation.callers.find(flow, installation, number, deadline);
    return { ...chooseContact(found, contactOrder), source: "crm" };
  } catch (error) {
    const reason = deadline.aborted
      ? `the CRM did not answer within ${answerDeadlineMs} ms`
      : reasonOf(error);
    return { source: "none", reason };
  }
}

async function ownerOf(
  { store }: Flow,
  { settings }: Installation,
  contact: Contact | undefined,
): Promise<Owner | undefined> {
  if (contact?.ownerId === undefined) return undefined;
  const owners = await store.owners(settings.name);
  return owners.find(({ id }) => id === contact.ownerId) ?? { id: contact.ownerId };
}

function viewOf(
  { settings }: Installation,
  { provider }: ConfiguredProvider,
  question: Question,
  { owner, contact }: { owner?: Owner | undefined; contact?: Contact | undefined },
): View {
  const { name, region, timeZone } = settings;
  // A caller who withheld the number stays anonymous: placeholders such as "anonymous" are not passed on.
  const from = isWithheld(question.from, region) ? undefined : question.from;
  const dialled = toE164(from, region);
  return {
    call: {
      direction: "inbound",
      provider: provider.id,
      ...(from && { customer: { number: from } }),
      ...(question.to && { line: question.to }),
      ...(question.callId && { callId: question.callId }),
    },
    installation: { name, region, timeZone },
    ...(dialled && { customerNumber: dialled }),
    ...(contact && { contact }),
    ...(owner && { owner }),
  };
}

/** The rules first, then the owner's own agent, then the default. */
function decide(
  { settings, mapping }: Installation,
  { provider, defaultAgent, chatAgent }: ConfiguredProvider,
  question: Question,
  rendering: Rendering,
): { answer: Answer; chosenBy: string } {
  const { owner } = rendering.view;
  const { agentId, reject, rule, variables, metadata } = mapping().answer(rendering);
  const answer = { variables, metadata };
  if (reject) return { answer: { ...answer, reject }, chosenBy: `rule ${rule} rejects the call` };
  if (question.kind === "chat") {
    if (chatAgent) return { answer: { ...answer, agentId: chatAgent }, chosenBy: "the chat agent" };
    return { answer, chosenBy: "the agent bound to the number: no chatAgent is set" };
  }
  if (agentId) return { answer: { ...answer, agentId }, chosenBy: `rule ${rule}` };
  const owners = owner && agentIdOf(settings.agents, provider.id, owner);
  if (owners)
    return {
      answer: { ...answer, agentId: owners },
      chosenBy: `the agent of the contact's owner ${owner.id}`,
    };
  if (defaultAgent) return { answer: { ...answer, agentId: defaultAgent }, chosenBy: "the default agent" };
  return {
    answer,
    chosenBy: "the agent bound to the number: there is no rule, owner or default that says otherwise",
  };
}

/** An answer that cannot be stored is given all the same. */
async function remember(
  flow: Flow,
  { settings }: Installation,
  provider: string,
  answer: StoredAnswer & { outdatedBefore?: number },
): Promise<StoredAnswer | undefined> {
  try {
    return await flow.store.saveAnswer(settings.name, provider, answer);
  } catch (error) {
    flow.limitedLog.seldom(
      "error",
      { installation: settings.name, provider, err: error },
      "an answer could not be stored",
    );
    return undefined;
  }
}

/** The caller does not wait longer for another instance's answer. Usually it takes a few milliseconds. */
const longestStoreMs = 500;

/** Another instance may have answered the same question first; then its answer counts. */
async function firstOf(stored: Promise<StoredAnswer | undefined>, own: Answer): Promise<Answer> {
  const first = await Promise.race([stored, pause(longestStoreMs)]);
  return first ? (first.reply as Answer) : own;
}
