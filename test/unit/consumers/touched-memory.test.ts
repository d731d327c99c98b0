import { expect, it } from 'vitest';
import { rowsOf } from '../../../consumers/projections/history.ts';
import { HOUR_MS, TouchedMemory } from '../../../consumers/stores/history/archive.ts';
import type { RowWrite } from '../../../consumers/stores/history/port.ts';
import { anEvent } from '../../contracts/events.ts';

const rows = (sessionId: string, hour: number): RowWrite[] =>
  rowsOf(anEvent('message.created', { seq: 1, sessionId }), { publishedAtMs: 1, persistedAtMs: hour * HOUR_MS }).filter(
    (write) => write.kind === 'row',
  );

it('asks for an entry until it is durable, and again in another hour', () => {
  const memory = new TouchedMemory();
  const [entry, ...more] = memory.unknownOf([...rows('a', 7), ...rows('a', 7)]);
  expect([entry, ...more]).toEqual([{ tenant: 'default', sessionId: 'a', bucket: 0, hour: 7 }]);
  // not acknowledged: a write that failed has to come again
  expect(memory.unknownOf(rows('a', 7))).toHaveLength(1);
  memory.add(entry === undefined ? [] : [entry]);
  expect(memory.unknownOf(rows('a', 7))).toEqual([]);
  expect(memory.unknownOf(rows('a', 8))).toHaveLength(1);
});

it('forgets the oldest at its bound, which costs one write more', () => {
  const memory = new TouchedMemory(2);
  for (const session of ['a', 'b', 'c']) memory.add(memory.unknownOf(rows(session, 7)));
  expect(memory.unknownOf(['a', 'b', 'c'].flatMap((session) => rows(session, 7))).map(({ sessionId }) => sessionId)).toEqual([
    'a',
  ]);
});
