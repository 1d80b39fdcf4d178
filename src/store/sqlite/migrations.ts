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
 * - losses: webhooks that were acknowledged and are missing
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    installation TEXT NOT NULL,
    provider TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    kind TEXT,
    events INTEGER NOT NULL DEFAULT 0,
    repeats INTEGER NOT NULL DEFAULT 0,
    fault TEXT
  );
  CREATE INDEX deliveries_new ON deliveries (installation, id) WHERE state IN (0, 3);
  CREATE INDEX deliveries_unused ON deliveries (installation, id) WHERE state IN (1, 2) AND events = 0;

  CREATE TABLE digests (digest INTEGER PRIMARY KEY, delivery INTEGER NOT NULL, at INTEGER NOT NULL);

  CREATE TABLE calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    installation TEXT NOT NULL,
    provider TEXT NOT NULL,
    revision INTEGER NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    number TEXT,
    due_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    saved_revision INTEGER NOT NULL DEFAULT 0,
    contact_kind TEXT,
    contact_id TEXT,
    owner_id TEXT,
    activity_id TEXT,
    ours TEXT NOT NULL DEFAULT '{}',
    decision TEXT,
    merged_into INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  );
  CREATE INDEX calls_due ON calls (installation, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX calls_dead ON calls (installation, id) WHERE state = 'dead';
  CREATE INDEX calls_number ON calls (installation, number) WHERE number IS NOT NULL;

  CREATE TABLE legs (
    installation TEXT NOT NULL,
    provider TEXT NOT NULL,
    call_id TEXT NOT NULL,
    call INTEGER NOT NULL,
    PRIMARY KEY (installation, provider, call_id)
  ) WITHOUT ROWID;

  CREATE TABLE events (
    call INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (call, digest)
  ) WITHOUT ROWID;
  CREATE INDEX events_delivery ON events (delivery);

  CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    call INTEGER NOT NULL,
    at INTEGER NOT NULL,
    step TEXT NOT NULL,
    detail TEXT NOT NULL
  );
  CREATE INDEX history_call ON history (call, id);

  CREATE TABLE contacts (
    installation TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    generation INTEGER NOT NULL,
    numbers TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (installation, kind, id)
  ) WITHOUT ROWID;

  CREATE TABLE phones (
    installation TEXT NOT NULL,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (installation, number, kind, id)
  ) WITHOUT ROWID;

  CREATE TABLE owners (
    installation TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (installation, id)
  ) WITHOUT ROWID;

  CREATE TABLE syncs (
    installation TEXT PRIMARY KEY,
    cursor TEXT,
    generation INTEGER NOT NULL,
    finished_at INTEGER
  ) WITHOUT ROWID;

  CREATE TABLE answers (
    installation TEXT NOT NULL,
    provider TEXT NOT NULL,
    ref TEXT NOT NULL,
    at INTEGER NOT NULL,
    number TEXT,
    reply TEXT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (installation, provider, ref)
  ) WITHOUT ROWID;
  CREATE INDEX answers_number ON answers (installation, number, at) WHERE number IS NOT NULL;
  `,
  `
  CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
  `,
  `
  ALTER TABLE calls ADD COLUMN sent_at INTEGER;
  `,
  `
  CREATE TABLE installs (
    name TEXT PRIMARY KEY,
    crm TEXT NOT NULL,
    account TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    body TEXT NOT NULL,
    sealed TEXT,
    version INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE UNIQUE INDEX installs_account ON installs (crm, account);
  `,
  `
  CREATE INDEX calls_contact ON calls (installation, contact_id) WHERE contact_id IS NOT NULL;
  CREATE INDEX calls_merged ON calls (merged_into) WHERE merged_into IS NOT NULL;
  `,
  `
  ALTER TABLE installs ADD COLUMN claimed_until INTEGER;
  `,
  `
  ALTER TABLE calls ADD COLUMN link INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX calls_open ON calls (installation, provider, id) WHERE state = 'open';
  CREATE TABLE asks (
    call INTEGER PRIMARY KEY,
    installation TEXT NOT NULL,
    provider TEXT NOT NULL,
    since INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX asks_due ON asks (installation, provider, due_at);
  CREATE TABLE recordings (
    call INTEGER PRIMARY KEY,
    installation TEXT NOT NULL,
    state TEXT NOT NULL,
    since INTEGER NOT NULL,
    due_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    seen_at INTEGER,
    told_at INTEGER,
    place TEXT,
    bytes INTEGER,
    sha256 TEXT,
    type TEXT,
    reason TEXT
  );
  CREATE INDEX recordings_due ON recordings (installation, due_at) WHERE due_at IS NOT NULL;
  `,
  `
  ALTER TABLE installs ADD COLUMN left_at INTEGER;
  UPDATE installs SET left_at = updated_at WHERE state <> 'active';
  CREATE TABLE erased (
    installation TEXT NOT NULL,
    mark BLOB NOT NULL,
    at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (installation, mark)
  ) WITHOUT ROWID;
  `,
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
];
