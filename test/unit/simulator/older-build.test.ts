import { expect, it } from 'vitest';
import { MIGRATIONS, migrate, schemaVersion } from '../../../worker/session/schema.ts';
import { downgrade } from '../../simulator/older-build.ts';
import { MemoryStorage } from '../../support/sql-storage.ts';

/** What the tables look like, by name. */
function shapeOf({ sql }: MemoryStorage): unknown[] {
  const columns = `SELECT m.name AS name, group_concat(p.name) AS columns FROM sqlite_master m JOIN pragma_table_info(m.name) p
    WHERE m.type = 'table' GROUP BY m.name ORDER BY m.name`;
  return sql.exec(columns).toArray();
}

it('a session without rows of later builds goes back to the first schema, and the next start upgrades it', () => {
  const storage = new MemoryStorage();
  migrate(storage.sql, 0);
  const newest = shapeOf(storage);
  expect(downgrade(storage)).toBe(MIGRATIONS.length - 1);
  expect(schemaVersion(storage.sql)).toBe(1);
  expect(shapeOf(storage).length).toBeLessThan(newest.length);
  migrate(storage.sql, 1);
  expect(shapeOf(storage)).toEqual(newest);
});

it('one that holds what an older build could not have written goes no further back than that', () => {
  const storage = new MemoryStorage();
  migrate(storage.sql, 0);
  storage.sql.exec(`INSERT INTO reactions (message_seq, emoji, user_id, seq) VALUES (1, 'x', 'ann', 2)`);
  expect(downgrade(storage)).toBe(MIGRATIONS.length - 3);
  expect(schemaVersion(storage.sql)).toBe(3);
});
