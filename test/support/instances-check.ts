import type { Pool } from "pg";
import type { Sent, Traffic } from "./call-traffic.ts";
import type { CrmRecorder } from "./crm-proxy.ts";
import type { CrmWorld, LoggedCall } from "./crm-worlds.ts";
import type { CallTold } from "./traffic-calls.ts";

type History = {
  traffic: Traffic;
  sent: readonly Sent[];
  crms: ReadonlyMap<string, CrmWorld>;
  /** The ids of the traffic's contacts in each CRM. */
  people: ReadonlyMap<string, readonly string[]>;
  recorder: CrmRecorder;
  database: Pool;
};

/** What must not be after a run whose calls are all logged, one sentence each. */
export async function faultsOf(history: History): Promise<string[]> {
  return [
    ...(await lostDeliveries(history)),
    ...wrongActivities(history),
    ...doubledEffects(history),
    ...(await writesOfOldHolders(history)),
  ];
}

/** A repetition is dropped once it is decoded. The answer to a question does not wait until its bytes are stored. */
async function lostDeliveries({ sent, database }: History): Promise<string[]> {
  const { rows } = await database.query(
    "SELECT DISTINCT installation || ' ' || md5(body) AS body FROM deliveries",
  );
  const stored = new Set(rows.map(({ body }) => body as string));
  const acknowledged = sent.filter(({ status, isQuestion }) => status >= 200 && status < 300 && !isQuestion);
  const bodies = new Set(acknowledged.map(({ installation, hash }) => `${installation} ${hash}`));
  return [...bodies]
    .filter((body) => !stored.has(body))
    .map((body) => `${body}: acknowledged, not in the store`);
}

const idIn = (key: string): string => key.slice(key.lastIndexOf(":") + 1);

function wrongActivities({ traffic, crms, people }: History): string[] {
  const faults: string[] = [];
  const logged = new Map<string, number>();
  const activities = new Map<string, LoggedCall>();
  for (const [name, world] of crms)
    for (const one of world.calls()) {
      const call = `${name} ${idIn(one.key)}`;
      logged.set(call, (logged.get(call) ?? 0) + 1);
      activities.set(call, one);
    }
  for (const [call, count] of logged) if (count > 1) faults.push(`${call}: ${count} activities`);
  for (const told of traffic.told) {
    const { installation, key, legKey, endStored, endTried, complete } = told;
    const count = (one: string): number => logged.get(`${installation} ${idIn(one)}`) ?? 0;
    const all = count(key) + (legKey === undefined ? 0 : count(legKey));
    if (legKey === undefined ? endStored && all === 0 : complete && all !== 1)
      faults.push(`${key}: acknowledged, with ${all} activities`);
    if (!endTried && all > 0) faults.push(`${key}: logged, although it never ended`);
    const activity = activities.get(`${installation} ${idIn(key)}`);
    if (activity && legKey === undefined && endStored && complete)
      faults.push(...differences(told, activity, people.get(installation) ?? []));
  }
  return faults;
}

/** Between an activity and all of its call's requests. */
function differences(
  { key, contactId, talkSeconds = 0 }: CallTold,
  activity: LoggedCall,
  people: readonly string[],
): string[] {
  const contact = contactId === undefined ? undefined : people[Number(contactId) - 1];
  return [
    ...(activity.seconds === talkSeconds
      ? []
      : [`${key}: ${activity.seconds} s in the CRM, ${talkSeconds} s by what was acknowledged`]),
    ...(contact === undefined || activity.contactId === contact
      ? []
      : [`${key}: of contact ${activity.contactId} in the CRM, of ${contact} by what was acknowledged`]),
  ];
}

/** Each activity, each follow-up of a call and each contact of a number is created once. */
function doubledEffects({ recorder, crms }: History): string[] {
  const groups = Map.groupBy(recorder.effects, ({ installation, type, call, text }) => {
    const [number] = /\+44740\d{7}/.exec(text) ?? [];
    const isPerson = /^(contacts|Contact|Lead)$/.test(type);
    const about = isPerson ? number : (call ?? number);
    return about === undefined ? undefined : `${installation} ${type} of ${about}`;
  });
  const faults = [...groups].flatMap(([what, all]) => {
    if (what === undefined || all.length === 1) return [];
    const by = all.map(({ instance, at, id }) => `${id} by ${instance} at ${new Date(at).toISOString()}`);
    return [`${what}: created ${all.length} times (${by.join(", ")})`];
  });
  // What is seen here must be all that was created.
  for (const [name, world] of crms) {
    const seen = new Set(recorder.effects.filter((one) => one.installation === name).map(({ id }) => id));
    const unseen = world.calls().filter(({ id }) => !seen.has(id));
    if (unseen.length > 0) faults.push(`${name}: ${unseen.length} activities that no request created`);
  }
  return faults;
}

/** A change of a call by an instance that another one has taken the installation from. */
async function writesOfOldHolders({ database }: History): Promise<string[]> {
  const { rows } = await database.query(`
    SELECT w.installation, w.call, w.state, w.instance, c.instance AS holder, w.at
      FROM test_writes w CROSS JOIN LATERAL (
        SELECT instance FROM test_claims c WHERE c.installation = w.installation AND c.seq < w.seq ORDER BY seq DESC LIMIT 1) c
      WHERE w.instance <> c.instance`);
  return rows.map(
    ({ installation, call, state, instance, holder, at }) =>
      `${installation}: call ${call} was written (${state}) by instance ${instance} at ${(at as Date).toISOString()}, while ${holder} held it`,
  );
}

/** Each claim, and each change of a call, with the instance that made it, in the order in which PostgreSQL took them. */
export const recorderSql = `
  CREATE SEQUENCE test_order;
  CREATE TABLE test_claims (seq bigint, installation text, instance int, at timestamptz);
  CREATE TABLE test_writes (seq bigint, installation text, instance int, at timestamptz, call bigint, state text);
  CREATE FUNCTION test_instance() RETURNS int LANGUAGE sql AS
    $$ SELECT NULLIF(current_setting('test.instance', true), '')::int $$;
  CREATE FUNCTION test_claimed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO test_claims VALUES (nextval('test_order'), new.installation, test_instance(), clock_timestamp());
      RETURN NULL;
    END $$;
  CREATE FUNCTION test_written() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO test_writes VALUES (nextval('test_order'), new.installation, test_instance(), clock_timestamp(), new.id, new.state);
      RETURN NULL;
    END $$;
  CREATE TRIGGER test_claims AFTER INSERT OR UPDATE ON fences FOR EACH ROW EXECUTE FUNCTION test_claimed();
  CREATE TRIGGER test_writes AFTER INSERT OR UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION test_written();
`;
