import type { JetStreamManager } from '@nats-io/jetstream';
import { expect, it } from 'vitest';
import { echoDeadLetters } from '../../../consumers/receipts/echo.ts';

/** What CONSUMERS_MAY of deploy/nats/accounts.conf lets a worker ask that stream: how it is, and for one message. */
function managerOf(letters: readonly { seq: number; about: string; data: string }[], lastSeq: number): JetStreamManager {
  const messageOf = ({ seq, about, data }: (typeof letters)[number]): object => {
    const values: Record<string, string> = { 'Millrace-Subject': about, 'Millrace-Reason': 'invalid_event' };
    return {
      seq,
      time: new Date(7),
      data: new TextEncoder().encode(data),
      header: { keys: () => Object.keys(values), values: (name: string) => [values[name]] },
    };
  };
  const streams = {
    info: async () => await Promise.resolve({ state: { messages: letters.length, last_seq: lastSeq } }),
    async getMessage(stream: string, { seq, next_by_subj }: { seq: number; next_by_subj: string }) {
      expect([stream, next_by_subj]).toEqual(['MILLRACE_DEAD_LETTERS', 'millrace.dead.history']);
      const found = letters.find((each) => each.seq >= seq);
      return await Promise.resolve(found === undefined ? null : messageOf(found));
    },
  };
  return { streams } as unknown as JetStreamManager;
}

it('tells of the letters that there are with what a worker may ask the server, and of none that comes meanwhile', async () => {
  const about = 'millrace.events.acme.message.created.room';
  const manager = managerOf(
    [
      { seq: 1, about, data: '{"seq":1}' },
      { seq: 10_002, about, data: '{"seq":4}' },
      { seq: 10_003, about: 'other', data: '{"seq":5}' },
      { seq: 10_005, about, data: '{"seq":6}' },
      { seq: 10_006, about, data: '{"seq":7}' },
    ],
    10_005,
  );
  const told: unknown[] = [];
  const settlements = {
    persisted: () => undefined,
    buried: (...args: unknown[]) => void told.push(args),
  };
  expect(await echoDeadLetters(manager, 'history', settlements)).toBe(2);
  const failure = { code: 'invalid_event', consumer: 'history', atMs: 7 };
  expect(told).toEqual([4, 6].map((seq) => [{ tenant: 'acme', sessionId: 'room', seq }, failure]));
});
