import { secondsShift } from "./partitions.ts";

/**
 * The schema, one step after another; the version is the number of steps done. A step that landed is never edited or moved,
 * and new ones go to the end. `contracts`: this step takes something away that earlier versions of Switchhook use, so they
 * refuse the database from then on; until then two versions may run side by side.
 */
type SchemaStep = { sql: string; contracts?: true };

const key = 'text COLLATE "C" NOT NULL';

/**
 * The same tables as in `sqlite/migrations.ts`, which explains them. Here there are no losses; `tallies` is the sum of
 * `tally_changes`, to which each change adds a row: a row per installation and state would be a lock that all of its work
 * waits for. Text is compared by its bytes. Only here:
 * - fences: the claim whose writes count, by installation
 * - instances: those that run, and how many installations each works for
 * - mappings: those that were saved through the API
 * - changes: of installs and mappings, which all instances follow; the trigger also notifies them
 */
export const steps: readonly SchemaStep[] = [
  {
    sql: `
  CREATE SEQUENCE ids;
  CREATE FUNCTION next_id() RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ SELECT (extract(epoch FROM clock_timestamp())::bigint << ${secondsShift}) | (nextval('ids') & ${2 ** secondsShift - 1}) $$;
  CREATE FUNCTION instr(text, text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT strpos($1, $2) $$;
  CREATE FUNCTION instr(bytea, bytea) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT position($2 IN $1) $$;

  CREATE TABLE deliveries (
    id bigint PRIMARY KEY DEFAULT next_id(),
    installation ${key},
    provider ${key},
    received_at bigint NOT NULL,
    method text NOT NULL,
    url text NOT NULL,
    headers text NOT NULL,
    body bytea NOT NULL,
    state integer NOT NULL DEFAULT 0,
    kind text,
    events integer NOT NULL DEFAULT 0,
    repeats integer NOT NULL DEFAULT 0,
    fault text
  ) PARTITION BY RANGE (id);
  CREATE INDEX deliveries_new ON deliveries (installation, id) WHERE state IN (0, 3);
  CREATE INDEX deliveries_unused ON deliveries (installation, id) WHERE state IN (1, 2) AND events = 0;
  CREATE INDEX deliveries_aside ON deliveries (id) WHERE state = 2;
  CREATE TABLE deliveries_rest PARTITION OF deliveries DEFAULT;

  CREATE TABLE digests (digest bigint PRIMARY KEY, delivery bigint NOT NULL, at bigint NOT NULL);
  CREATE INDEX digests_at ON digests (at);

  CREATE TABLE calls (
    id bigint PRIMARY KEY DEFAULT next_id(),
    key ${key} UNIQUE,
    installation ${key},
    provider ${key},
    revision bigint NOT NULL,
    body text NOT NULL,
    state text NOT NULL,
    reason text,
    number text COLLATE "C",
    due_at bigint,
    attempts bigint NOT NULL DEFAULT 0,
    saved_revision bigint NOT NULL DEFAULT 0,
    contact_kind text,
    contact_id text COLLATE "C",
    owner_id text,
    activity_id text,
    ours text NOT NULL DEFAULT '{}',
    decision text,
    merged_into bigint,
    sent_at bigint,
    link bigint NOT NULL DEFAULT 0,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
  );
  CREATE INDEX calls_installation ON calls (installation, id);
  CREATE INDEX calls_due ON calls (installation, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX calls_dead ON calls (installation, id) WHERE state = 'dead';
  CREATE INDEX calls_dead_anywhere ON calls (id) WHERE state = 'dead';
  CREATE INDEX calls_number ON calls (installation, number) WHERE number IS NOT NULL;
  CREATE INDEX calls_contact ON calls (installation, contact_id) WHERE contact_id IS NOT NULL;
  CREATE INDEX calls_merged ON calls (merged_into) WHERE merged_into IS NOT NULL;
  CREATE INDEX calls_open ON calls (installation, provider, id) WHERE state = 'open';

  CREATE TABLE legs (
    installation ${key}, provider ${key}, call_id ${key}, call bigint NOT NULL,
    PRIMARY KEY (installation, provider, call_id)
  );
  CREATE TABLE events (
    call bigint NOT NULL, digest bigint NOT NULL, delivery bigint NOT NULL, body text NOT NULL,
    PRIMARY KEY (call, digest)
  );
  CREATE INDEX events_delivery ON events (delivery);
  CREATE TABLE history (
    id bigint PRIMARY KEY DEFAULT next_id(), call bigint NOT NULL, at bigint NOT NULL, step text NOT NULL, detail text NOT NULL
  ) PARTITION BY RANGE (id);
  CREATE INDEX history_call ON history (call, id);
  CREATE TABLE history_rest PARTITION OF history DEFAULT;

  CREATE TABLE contacts (
    installation ${key}, kind ${key}, id ${key}, generation bigint NOT NULL, numbers text NOT NULL, body text NOT NULL,
    PRIMARY KEY (installation, kind, id)
  );
  CREATE TABLE phones (
    installation ${key}, number bigint NOT NULL, kind ${key}, id ${key},
    PRIMARY KEY (installation, number, kind, id)
  );
  CREATE TABLE owners (installation ${key}, id ${key}, body text NOT NULL, PRIMARY KEY (installation, id));
  CREATE TABLE syncs (installation ${key} PRIMARY KEY, cursor text, generation bigint NOT NULL, finished_at bigint);
  CREATE TABLE numberings (installation ${key} PRIMARY KEY, version text NOT NULL);
  CREATE TABLE answers (
    installation ${key}, provider ${key}, ref ${key}, at bigint NOT NULL, number text COLLATE "C",
    reply text NOT NULL, why text NOT NULL,
    PRIMARY KEY (installation, provider, ref)
  );
  CREATE INDEX answers_number ON answers (installation, number, at) WHERE number IS NOT NULL;
  CREATE INDEX answers_at ON answers (at);

  CREATE TABLE asks (
    call bigint PRIMARY KEY, installation ${key}, provider ${key}, since bigint NOT NULL, due_at bigint NOT NULL,
    attempts bigint NOT NULL DEFAULT 0
  );
  CREATE INDEX asks_due ON asks (installation, provider, due_at);
  CREATE TABLE recordings (
    call bigint PRIMARY KEY, installation ${key}, state text NOT NULL, since bigint NOT NULL, due_at bigint,
    attempts bigint NOT NULL DEFAULT 0, seen_at bigint, told_at bigint, place text, bytes bigint, sha256 text, type text,
    reason text
  );
  CREATE INDEX recordings_due ON recordings (installation, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX recordings_placed ON recordings (installation, call) WHERE place IS NOT NULL;
  CREATE TABLE follow_ups (
    call bigint PRIMARY KEY, installation ${key}, state text NOT NULL, since bigint NOT NULL, contact_kind text,
    contact_id text COLLATE "C", number text COLLATE "C", task_id text, fields text NOT NULL, close_at bigint,
    attempts bigint NOT NULL DEFAULT 0, reached_by text, reason text
  );
  CREATE INDEX follow_ups_open ON follow_ups (installation, number) WHERE state IN ('wanted', 'open');
  CREATE INDEX follow_ups_contact ON follow_ups (installation, contact_id) WHERE state IN ('wanted', 'open');
  CREATE INDEX follow_ups_due ON follow_ups (installation, close_at) WHERE close_at IS NOT NULL;
  CREATE INDEX follow_ups_since ON follow_ups (since);
  CREATE TABLE lines (
    installation ${key}, provider ${key}, number ${key}, open_before bigint,
    PRIMARY KEY (installation, provider, number)
  );
  CREATE INDEX lines_open ON lines (installation) WHERE open_before IS NOT NULL;
  CREATE TABLE ends (
    installation ${key}, provider ${key}, number ${key}, call bigint NOT NULL,
    PRIMARY KEY (installation, provider, number, call)
  );
  CREATE INDEX ends_call ON ends (call);

  CREATE TABLE installs (
    name ${key} PRIMARY KEY, crm ${key}, account ${key}, state text NOT NULL, reason text, body text NOT NULL, sealed text,
    version bigint NOT NULL, updated_at bigint NOT NULL, claimed_until bigint, left_at bigint
  );
  CREATE UNIQUE INDEX installs_account ON installs (crm, account);
  CREATE TABLE erased (
    installation ${key}, mark bytea NOT NULL, at bigint NOT NULL, until bigint NOT NULL,
    PRIMARY KEY (installation, mark)
  );
  CREATE TABLE secrets (name ${key} PRIMARY KEY, value bytea NOT NULL);
  CREATE TABLE marks (name ${key} PRIMARY KEY, value text);

  CREATE TABLE tally_changes (installation ${key}, state text NOT NULL, calls bigint NOT NULL);
  CREATE VIEW tallies AS
    SELECT installation, state, SUM(calls)::bigint AS calls FROM tally_changes GROUP BY installation, state
      HAVING SUM(calls) <> 0;
  CREATE FUNCTION tally() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP <> 'INSERT' THEN INSERT INTO tally_changes VALUES (old.installation, old.state, -1); END IF;
      IF TG_OP <> 'DELETE' THEN INSERT INTO tally_changes VALUES (new.installation, new.state, 1); END IF;
      RETURN NULL;
    END $$;
  CREATE TRIGGER calls_came_or_went AFTER INSERT OR DELETE ON calls FOR EACH ROW EXECUTE FUNCTION tally();
  CREATE TRIGGER calls_moved AFTER UPDATE OF state ON calls FOR EACH ROW
    WHEN (old.state <> new.state) EXECUTE FUNCTION tally();

  CREATE TABLE fences (installation ${key} PRIMARY KEY, epoch bigint NOT NULL);
  CREATE TABLE instances (
    id ${key} PRIMARY KEY, tenancies integer NOT NULL, has_listeners boolean NOT NULL, config text NOT NULL,
    seen_at timestamptz NOT NULL
  );
  CREATE TABLE mappings (installation ${key} PRIMARY KEY, text text NOT NULL);
  CREATE TABLE changes (id bigint PRIMARY KEY DEFAULT next_id(), what text NOT NULL, name text NOT NULL);
  CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      changed text := COALESCE(to_jsonb(new), to_jsonb(old)) ->> TG_ARGV[0];
    BEGIN
      INSERT INTO changes (what, name) VALUES (TG_TABLE_NAME, changed);
      PERFORM pg_notify('switchhook_' || current_schema(), 'changed ' || TG_TABLE_NAME || ' ' || changed);
      RETURN NULL;
    END $$;
  CREATE TRIGGER installs_came_or_went AFTER INSERT OR DELETE ON installs FOR EACH ROW
    EXECUTE FUNCTION note_change('name');
  CREATE TRIGGER installs_changed AFTER UPDATE ON installs FOR EACH ROW
    WHEN (old.version <> new.version OR old.state <> new.state) EXECUTE FUNCTION note_change('name');
  CREATE TRIGGER mappings_changed AFTER INSERT OR UPDATE OR DELETE ON mappings FOR EACH ROW
    EXECUTE FUNCTION note_change('installation');
  `,
  },
  {
    sql: `
  CREATE TABLE sessions (
    id ${key} PRIMARY KEY, role text NOT NULL, listen integer NOT NULL, installation text COLLATE "C", name text NOT NULL,
    signed_in_by text NOT NULL, credential text, address text NOT NULL, created_at bigint NOT NULL, seen_at bigint NOT NULL,
    expires_at bigint NOT NULL
  );
  CREATE INDEX sessions_installation ON sessions (installation);
  CREATE TABLE login_links (
    id ${key} PRIMARY KEY, role text NOT NULL, listen integer NOT NULL, installation ${key}, name text NOT NULL,
    expires_at bigint NOT NULL
  );
  CREATE TABLE audit (
    id bigint PRIMARY KEY DEFAULT next_id(), at bigint NOT NULL, who text NOT NULL, signed_in_by text NOT NULL,
    action text NOT NULL, object text COLLATE "C", installation text COLLATE "C", address text NOT NULL, detail text,
    result bigint
  );
  CREATE INDEX audit_installation ON audit (installation, id);
  CREATE INDEX audit_object ON audit (installation, object) WHERE object IS NOT NULL;
  CREATE INDEX audit_at ON audit (at);
  `,
  },
  {
    sql: `
  CREATE TABLE facets (
    call bigint PRIMARY KEY, installation ${key}, provider ${key}, direction text, outcome text, agent text COLLATE "C",
    line text COLLATE "C", recording bigint NOT NULL
  );
  INSERT INTO facets
    SELECT id, installation, provider, facts ->> 'direction', facts ->> 'outcome',
           (SELECT COALESCE(agent ->> 'email', agent -> 'ids' ->> 0) FROM jsonb_array_elements(facts -> 'agents') AS agent
             ORDER BY agent ->> 'talkedAt' DESC NULLS LAST LIMIT 1),
           facts ->> 'line', CASE WHEN facts ? 'recording' THEN 1 ELSE 0 END
      FROM (SELECT id, installation, provider, body::jsonb AS facts FROM calls) AS folded;
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
  },
  {
    sql: `
  CREATE TABLE refusals (
    installation ${key}, provider ${key}, status bigint NOT NULL, count bigint NOT NULL, last_at bigint NOT NULL,
    reason text NOT NULL, PRIMARY KEY (installation, provider, status)
  );
  `,
  },
  {
    sql: `
  CREATE TABLE contact_changes (
    installation ${key}, kind ${key}, id ${key}, due_at bigint NOT NULL, version bigint NOT NULL,
    PRIMARY KEY (installation, kind, id)
  );
  CREATE INDEX recordings_pending ON recordings (due_at) WHERE due_at IS NOT NULL AND state <> 'kept';
  `,
  },
  {
    sql: `
  CREATE TABLE retries (
    id ${key} PRIMARY KEY, installation text COLLATE "C", failure text COLLATE "C", started_by text NOT NULL,
    created_at bigint NOT NULL, place bigint NOT NULL, cancelled bigint, ended_at bigint, logged bigint, dead bigint,
    other bigint
  );
  CREATE INDEX retries_installation ON retries (installation, created_at);
  CREATE INDEX retries_open ON retries (created_at) WHERE ended_at IS NULL;
  CREATE TABLE retried_calls (retry ${key}, call bigint NOT NULL, PRIMARY KEY (retry, call));
  CREATE INDEX retried_calls_call ON retried_calls (call);
  CREATE TABLE ignored_failures (
    installation ${key}, failure ${key}, at bigint NOT NULL, PRIMARY KEY (installation, failure)
  );
  `,
  },
  {
    sql: `
  CREATE TABLE mapping_versions (
    installation ${key}, number bigint NOT NULL, at bigint NOT NULL, who text, comment text, text text NOT NULL,
    PRIMARY KEY (installation, number)
  );
  CREATE TABLE mapping_applies (installation ${key} PRIMARY KEY, body text NOT NULL, updated_at bigint NOT NULL);
  `,
  },
];
