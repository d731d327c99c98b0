import { setImmediate as nextTurn } from 'node:timers/promises';
import { JetStreamApiCodes, JetStreamApiError, type JetStreamClient, type JetStreamManager } from '@nats-io/jetstream';
import { describe, expect, it } from 'vitest';
import { isOf } from '../../../consumers/admin/letter.ts';
import { AnalyticsFeeds, letterOf, receiptOf } from '../../../consumers/projections/analytics-feeds.ts';
import { SYSTEM_TIME } from '../../../consumers/runtime/time.ts';
import type { AnalyticsStore } from '../../../consumers/stores/analytics/port.ts';
import { anEvent } from '../../contracts/events.ts';
import { until } from '../../support/stack.ts';
import { messageOf } from './fakes.ts';

describe('a receipt, as analytics reads it', () => {
  const read = (seqs: unknown) => {
    const body = { sessionId: 's', seqs, publishedAt: '2026-01-01T00:00:00.000Z', persistedAt: '2026-01-01T00:00:01.000Z' };
    const data = new TextEncoder().encode(JSON.stringify(body));
    return receiptOf({ ...messageOf(anEvent('message.created', { seq: 1 })), subject: 'millrace.receipts.t.s', data });
  };

  it('is of the tenant and session of its subject', () => {
    expect(read([[1, 3]])).toEqual({
      tenant: 't',
      sessionId: 's',
      seqs: [[1, 3]],
      publishedAtMs: Date.UTC(2026, 0, 1),
      persistedAtMs: Date.UTC(2026, 0, 1, 0, 0, 1),
    });
  });

  it('P7 is none when it speaks of more than a receipt can: it would hold up all others', () => {
    expect(read([[1, 2 ** 31 - 1]])).toBeUndefined();
    expect(
      read([
        [1, 600_000],
        [600_001, 1_200_000],
      ]),
    ).toBeUndefined();
    expect(read([[1, 1_000_000]])).toBeDefined();
  });
});

describe('a dead letter, as analytics counts it', () => {
  it.each([
    ['millrace.events.acme.message.created.s1', 'acme'],
    ['millrace.commands.acme.s1', 'acme'],
    ['elsewhere.events.acme.message.created.s1', 'default'],
    ['millrace.events.NO TENANT.message.created.s1', 'default'],
    ['', 'default'],
  ])('of %s belongs to %s, as whoever reads letters is told', (original, tenant) => {
    const headers = [
      ['Millrace-Subject', 'millrace.events.forged.message.created.s1'],
      ['Millrace-Subject', original],
      ['Millrace-Reason', 'unparsable'],
    ] as const;
    const subject = 'millrace.dlq.history';
    const letter = { ...messageOf(anEvent('message.created', { seq: 1 })), subject, headers };
    expect(letterOf(letter)).toMatchObject({ tenant, consumer: 'history', reason: 'unparsable' });
    expect(isOf({ ...letter, position: 1, atMs: 1, bytes: 1 }, tenant)).toBe(true);
  });
});

/** A server that has no durables at first; it counts what it is asked. */
function fakeServer() {
  const asked: string[] = [];
  const durables = new Set<string>();
  const missing = () => new JetStreamApiError({ code: 404, err_code: JetStreamApiCodes.ConsumerNotFound, description: '' });
  let pulls = 0;
  const messages = () => ({ stop: () => undefined, [Symbol.asyncIterator]: async function* () {} });
  const consumer = (stream: string) => ({
    fetch: async () => {
      pulls += 1;
      await nextTurn();
      if (!durables.has(stream)) throw missing();
      return messages();
    },
  });
  const manager = {
    consumers: {
      info: async (stream: string) => {
        asked.push(`info ${stream}`);
        return durables.has(stream) ? await Promise.resolve({}) : await Promise.reject(missing());
      },
      add: async (stream: string) => {
        asked.push(`add ${stream}`);
        durables.add(stream);
        return await Promise.resolve({});
      },
    },
  };
  const client = {
    consumers: {
      get: async (stream: string) => {
        asked.push(`get ${stream}`);
        return durables.has(stream) ? await Promise.resolve(consumer(stream)) : await Promise.reject(missing());
      },
    },
  };
  return { asked, durables, manager, client, pulls: () => pulls };
}

describe('the feeds of analytics', () => {
  it('make a durable that is missing, and ask for it again only when a pull fails', async () => {
    const server = fakeServer();
    const feeds = new AnalyticsFeeds({
      // only what the feeds call
      client: server.client as unknown as JetStreamClient,
      manager: server.manager as unknown as JetStreamManager,
      store: {} as AnalyticsStore,
      log: () => undefined,
      time: { ...SYSTEM_TIME, after: (_ms, run) => SYSTEM_TIME.after(1, run) },
    });
    feeds.start();
    const made = ['get', 'info', 'add', 'get'];
    const of = (stream: string) => server.asked.filter((each) => each.endsWith(stream)).map((each) => each.split(' ')[0]);
    await until('many pulls', () => server.pulls() > 50);
    expect(of('MILLRACE_RECEIPTS')).toEqual(made);
    expect(of('MILLRACE_DEAD_LETTERS')).toEqual(made);
    server.durables.delete('MILLRACE_RECEIPTS');
    await until('it is made again', () => server.durables.has('MILLRACE_RECEIPTS'));
    await feeds.stop();
    expect(of('MILLRACE_RECEIPTS').slice(0, 8)).toEqual([...made, ...made]);
    expect(of('MILLRACE_DEAD_LETTERS')).toEqual(made);
  });
});
