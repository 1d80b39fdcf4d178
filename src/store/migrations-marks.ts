/**
 * The step that damage is noticed by. `marks`: figures of the store itself, such as `seen`, the highest id of a delivery that was
 * deleted: ids are never used twice. `losses`: webhooks that were acknowledged and are missing. The index is for deliveries that were
 * set aside.
 */
export const marksAndLosses: readonly string[] = [
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
];
