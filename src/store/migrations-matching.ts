/**
 * Steps of the schema: `numberings`, the rules that numbers were read by. `follow_ups`, the tasks of missed
 * calls. `lines`, numbers of the company that providers told of, and up to which id their calls are still to be folded
 * again; `ends`, both numbers of calls whose messages leave the
 * customer open.
 */
export const matchingAndFollowUps: readonly string[] = [
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
];
