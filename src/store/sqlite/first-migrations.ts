/** The steps up to the first release that counts calls by state. See `migrations.ts`. */
export const firstMigrations: readonly string[] = [
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
];
