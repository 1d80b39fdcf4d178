import { registerHooks } from "node:module";

/**
 * Loaded with `node --import …?steps=1` before the program: it has further steps of the schema, as later releases will. The
 * first one widens tables, the second one takes that away.
 */
const laterSteps = [
  `{ sql: \`
  ALTER TABLE calls ADD COLUMN later text;
  ALTER TABLE installs ADD COLUMN later text;
  ALTER TABLE recordings ADD COLUMN later text;
  CREATE FUNCTION note_later() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN new.later := new.state; RETURN new; END $$;
  CREATE TRIGGER calls_later BEFORE INSERT OR UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION note_later();
  CREATE INDEX calls_later ON calls (installation, later);
  \` },`,
  `{ contracts: true, sql: \`
  DROP TRIGGER calls_later ON calls;
  DROP FUNCTION note_later();
  ALTER TABLE calls DROP COLUMN later;
  ALTER TABLE installs DROP COLUMN later;
  ALTER TABLE recordings DROP COLUMN later;
  \` },`,
];

const wanted = Number(new URL(import.meta.url).searchParams.get("steps"));
const endOfSteps = "\n];\n";

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith("/src/store/postgres/schema.ts")) return loaded;
    const source = String(loaded.source);
    if (!source.includes(endOfSteps)) throw new Error("the steps of the schema have changed their form");
    const steps = laterSteps.slice(0, wanted).join("\n");
    return { ...loaded, source: source.replace(endOfSteps, () => `\n${steps}\n];\n`) };
  },
});
