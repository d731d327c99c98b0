import { describe, expect, it } from 'vitest';
import { healthOfConsumer, LATE_MS, troubles, worstOf } from '../../../../web/admin/health.ts';
import { anOverview } from './overviews.ts';

describe('what an operator is told', () => {
  it('is nothing when all is well, a pause included', () => {
    const consumers = [{ name: 'history', status: 'up' as const, paused: true, oldestAgeMs: LATE_MS * 2, workers: 1 }];
    expect(troubles(anOverview({ consumers }))).toEqual([]);
  });

  it('names each part that is not', () => {
    expect(
      troubles(
        anOverview({
          uplinks: [
            { name: '0', status: 'up' },
            { name: '1', status: 'down' },
          ],
          streams: [{ name: 'MILLRACE_EVENTS', status: 'down' }],
          consumers: [
            { name: 'history', status: 'up', oldestAgeMs: LATE_MS + 1, workers: 1 },
            { name: 'search', status: 'down' },
            { name: 'analytics', status: 'up', workers: 0 },
          ],
          stores: [{ name: 'history', status: 'down' }],
          deadLetters: [{ consumer: 'history', count: 2 }],
        }),
      ),
    ).toEqual([
      '1 of 2 Uplinks do not reach NATS.',
      'There is no stream MILLRACE_EVENTS.',
      'history is late.',
      'search has no durable: what is published does not reach it.',
      'Nobody works on analytics.',
      'The store of history does not answer.',
      '2 dead letters wait for a decision.',
    ]);
  });

  it('says that with NATS away little is known', () => {
    const away = anOverview({ uplinks: [{ name: '0', status: 'down' }] });
    const unknown = { status: 'unknown' as const, items: [] };
    const said = troubles({ ...away, streams: unknown, consumers: unknown, stores: unknown });
    expect(said).toEqual([expect.stringContaining('The edge does not reach NATS.'), 'The consumers do not answer.']);
  });

  it('takes a paused consumer for paused, and one without a durable for down', () => {
    expect(healthOfConsumer({ name: 'a', status: 'up', paused: true, workers: 0 })).toBe('paused');
    expect(healthOfConsumer({ name: 'a', status: 'down', paused: true })).toBe('down');
    expect(healthOfConsumer({ name: 'a', status: 'unknown' })).toBe('unknown');
  });

  it('takes several for their worst', () => {
    expect([worstOf([]), worstOf(['up', 'up']), worstOf(['up', 'unknown']), worstOf(['down', 'unknown'])]).toEqual([
      'unknown',
      'up',
      'unknown',
      'down',
    ]);
  });
});
