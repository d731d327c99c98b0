import { expect, it } from 'vitest';
import { rowsOf } from '../../../consumers/projections/history.ts';
import { archiveLast } from '../../../consumers/stores/history/archive-last.ts';
import { anEvent } from '../../contracts/events.ts';

it('P6: the archive row of an event comes behind all that the event makes, and the erasure of another’s does not', () => {
  const times = { publishedAtMs: 1, persistedAtMs: 2 };
  const batch = [
    ...rowsOf(anEvent('message.created', { seq: 3 }), times),
    ...rowsOf(anEvent('message.deleted', { seq: 4 }), times),
  ];
  const { made, archived } = archiveLast(batch);
  expect(archived.map(({ table, key }) => [table, 'seq' in key ? key.seq : undefined])).toEqual([
    ['events', 3],
    ['events', 4],
  ]);
  expect(made).toEqual(batch.filter((write) => !archived.includes(write as never)));
  expect(made.some((write) => write.kind === 'row' && write.table === 'events')).toBe(true);
  expect(made.some((write) => write.kind === 'row' && write.table === 'messages')).toBe(true);
});
