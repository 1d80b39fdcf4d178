import { firstMigrations } from "./first-migrations.ts";

/**
 * The schema, one step after another. A step that landed is never edited or moved, and new ones go to the end: a test holds
 * their hashes. Times are milliseconds since 1970; `body` of calls, events and contacts is JSON of the types in `core/`.
 * - deliveries.state: 0 new, 1 decoded, 2 could not be decoded, 3 to be decoded again
 * - tallies: how many calls are in each state, by triggers
 * - numberings: the version of the rules that numbers were read by
 * - lines: own numbers of the company; their calls before `open_before` are still to be folded again
 * - ends: both numbers of calls whose messages leave open which is the customer's
 * - marks: values of the store itself; `seen` is the highest id of a deleted delivery, because ids are never used twice
 * - contact_changes: what the CRM reported and is to be applied; `kind` of a contact that is gone, empty for one to be read again
 * - retries, retried_calls: retries of many dead calls, and the calls that each of them has made due
 * - losses: webhooks that were acknowledged and are missing
 * - sessions, login_links: their id is a digest of the secret that the browser has
 */
export const migrations: readonly string[] = [
  ...firstMigrations,
  `
  CREATE INDEX calls_installation ON calls (installation, id);
  CREATE INDEX calls_dead_anywhere ON calls (id) WHERE state = 'dead';
  CREATE TABLE tallies (
    installation TEXT NOT NULL,
    state TEXT NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (installation, state)
  ) WITHOUT ROWID;
  INSERT INTO tallies SELECT installation, state, COUNT(*) FROM calls GROUP BY installation, state;
  CREATE TRIGGER calls_came AFTER INSERT ON calls BEGIN
    INSERT INTO tallies VALUES (new.installation, new.state, 1) ON CONFLICT DO UPDATE SET calls = calls + 1;
  END;
  CREATE TRIGGER calls_moved AFTER UPDATE OF state ON calls WHEN old.state <> new.state BEGIN
    INSERT INTO tallies VALUES (new.installation, new.state, 1) ON CONFLICT DO UPDATE SET calls = calls + 1;
    UPDATE tallies SET calls = calls - 1 WHERE installation = old.installation AND state = old.state;
    DELETE FROM tallies WHERE installation = old.installation AND state = old.state AND calls = 0;
  END;
  CREATE TRIGGER calls_went AFTER DELETE ON calls BEGIN
    UPDATE tallies SET calls = calls - 1 WHERE installation = old.installation AND state = old.state;
    DELETE FROM tallies WHERE installation = old.installation AND state = old.state AND calls = 0;
  END;
  `,
  `
  CREATE TABLE numberings (installation TEXT PRIMARY KEY, version TEXT NOT NULL) WITHOUT ROWID;
  `,
  `
  CREATE TABLE follow_ups (
    call INTEGER PRIMARY KEY,
    installation TEXT NOT NULL,
    state TEXT NOT NULL,
    since INTEGER NOT NULL,
    contact_kind TEXT,
    contact_id TEXT,
    number TEXT,
    task_id TEXT,
    fields TEXT NOT NULL,
    close_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    reached_by TEXT,
    reason TEXT
  );
  CREATE INDEX follow_ups_open ON follow_ups (installation, number) WHERE state IN ('wanted', 'open');
  CREATE INDEX follow_ups_contact ON follow_ups (installation, contact_id) WHERE state IN ('wanted', 'open');
  CREATE INDEX follow_ups_due ON follow_ups (installation, close_at) WHERE close_at IS NOT NULL;
  CREATE INDEX follow_ups_since ON follow_ups (since);
  `,
  `
  CREATE TABLE lines (
    installation TEXT NOT NULL,
    provider TEXT NOT NULL,
    number TEXT NOT NULL,
    open_before INTEGER,
    PRIMARY KEY (installation, provider, number)
  ) WITHOUT ROWID;
  CREATE INDEX lines_open ON lines (installation) WHERE open_before IS NOT NULL;
  CREATE TABLE ends (
    installation TEXT NOT NULL,
    provider TEXT NOT NULL,
    number TEXT NOT NULL,
    call INTEGER NOT NULL,
    PRIMARY KEY (installation, provider, number, call)
  ) WITHOUT ROWID;
  CREATE INDEX ends_call ON ends (call);
  CREATE TRIGGER calls_ends AFTER DELETE ON calls BEGIN
    DELETE FROM ends WHERE call = old.id;
  END;
  `,
  `
  CREATE TABLE marks (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  INSERT INTO marks VALUES ('seen', 0);
  CREATE TABLE losses (
    noticed_at INTEGER PRIMARY KEY,
    missing INTEGER NOT NULL,
    since INTEGER,
    until INTEGER NOT NULL
  );
  CREATE INDEX deliveries_aside ON deliveries (id) WHERE state = 2;
  CREATE TRIGGER deliveries_went AFTER DELETE ON deliveries WHEN old.installation <> '' BEGIN
    UPDATE marks SET value = old.id WHERE name = 'seen' AND value < old.id;
  END;
  `,
  `
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY, role TEXT NOT NULL, listen INTEGER NOT NULL, installation TEXT, name TEXT NOT NULL,
    signed_in_by TEXT NOT NULL, credential TEXT, address TEXT NOT NULL, created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX sessions_installation ON sessions (installation);
  CREATE TABLE login_links (
    id TEXT PRIMARY KEY, role TEXT NOT NULL, listen INTEGER NOT NULL, installation TEXT NOT NULL, name TEXT NOT NULL,
    expires_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL, signed_in_by TEXT NOT NULL,
    action TEXT NOT NULL, object TEXT, installation TEXT, address TEXT NOT NULL, detail TEXT, result INTEGER
  );
  CREATE INDEX audit_installation ON audit (installation, id);
  CREATE INDEX audit_object ON audit (installation, object) WHERE object IS NOT NULL;
  CREATE INDEX audit_at ON audit (at);
  `,
  `
  CREATE TABLE facets (
    call INTEGER PRIMARY KEY,
    installation TEXT NOT NULL,
    provider TEXT NOT NULL,
    direction TEXT,
    outcome TEXT,
    agent TEXT,
    line TEXT,
    recording INTEGER NOT NULL
  );
  INSERT INTO facets
    SELECT id, installation, provider, body ->> '$.direction', body ->> '$.outcome',
           (SELECT COALESCE(value ->> '$.email', value ->> '$.ids[0]') FROM json_each(body, '$.agents')
             ORDER BY value ->> '$.talkedAt' DESC LIMIT 1),
           body ->> '$.line', body -> '$.recording' IS NOT NULL
      FROM calls;
  CREATE INDEX facets_installation ON facets (installation, call);
  CREATE INDEX facets_provider ON facets (installation, provider, call);
  CREATE INDEX facets_direction ON facets (installation, direction, call);
  CREATE INDEX facets_outcome ON facets (installation, outcome, call);
  CREATE INDEX facets_agent ON facets (installation, agent, call);
  CREATE INDEX facets_line ON facets (installation, line, call);
  CREATE INDEX facets_recorded ON facets (installation, recording, call);
  DROP INDEX calls_dead;
  CREATE INDEX calls_state ON calls (installation, state, id);
  CREATE INDEX calls_unmatched ON calls (installation, id) WHERE contact_id IS NULL;
  `,
  `
  CREATE TABLE refusals (
    installation TEXT NOT NULL,
    provider TEXT NOT NULL,
    status INTEGER NOT NULL,
    count INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (installation, provider, status)
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE contact_changes (
    installation TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (installation, kind, id)
  ) WITHOUT ROWID;
  CREATE INDEX recordings_pending ON recordings (due_at) WHERE due_at IS NOT NULL AND state <> 'kept';
  `,
  `
  CREATE TABLE retries (
    id TEXT PRIMARY KEY, installation TEXT, failure TEXT, started_by TEXT NOT NULL, created_at INTEGER NOT NULL,
    place INTEGER NOT NULL, cancelled INTEGER, ended_at INTEGER, logged INTEGER, dead INTEGER, other INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX retries_installation ON retries (installation, created_at);
  CREATE INDEX retries_open ON retries (created_at) WHERE ended_at IS NULL;
  CREATE TABLE retried_calls (retry TEXT NOT NULL, call INTEGER NOT NULL, PRIMARY KEY (retry, call)) WITHOUT ROWID;
  CREATE INDEX retried_calls_call ON retried_calls (call);
  CREATE TABLE ignored_failures (
    installation TEXT NOT NULL, failure TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (installation, failure)
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE mapping_versions (
    installation TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    who TEXT,
    comment TEXT,
    text TEXT NOT NULL,
    PRIMARY KEY (installation, number)
  ) WITHOUT ROWID;
  CREATE TABLE mapping_applies (
    installation TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    updated_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
];
