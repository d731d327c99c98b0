import type { DeadLetter } from '../../../consumers/runtime/dead-letters.ts';
import type { BatchPorts } from '../../../consumers/runtime/batch.ts';
import type { Incoming } from '../../../consumers/runtime/incoming.ts';
import type { Projection } from '../../../consumers/runtime/projection.ts';
import { eventSubject } from '../../../shared/contract/subjects.ts';
import type { Event } from '../../../shared/core/types.ts';

/** A message in hand that writes down what the server was told. */
export interface FakeMessage extends Incoming {
  told: string[];
}

export function messageOf(event: Event, more: Partial<Incoming> = {}): FakeMessage {
  const told: string[] = [];
  return {
    subject: eventSubject(event.tenant, event.type, event.sessionid),
    data: new TextEncoder().encode(JSON.stringify(event)),
    headers: [],
    streamSeq: event.seq,
    deliveries: 1,
    publishedAtMs: 1_000 + event.seq,
    storedId: `stored-${event.seq}`,
    told,
    ack: async () => {
      told.push('ack');
      return await Promise.resolve(true);
    },
    ackUnconfirmed: () => told.push('ack unconfirmed'),
    retry: (delayMs) => told.push(`retry ${delayMs}`),
    working: () => told.push('working'),
    terminate: (reason) => told.push(`terminate ${reason}`),
    ...more,
  };
}

export interface Bench {
  ports: BatchPorts;
  letters: DeadLetter[];
  persisted: number[];
  buried: string[];
  waits: number[];
}

export function bench(projection: Partial<Projection>, more: Partial<BatchPorts> = {}): Bench {
  const letters: DeadLetter[] = [];
  const persisted: number[] = [];
  const buried: string[] = [];
  const waits: number[] = [];
  return {
    letters,
    persisted,
    buried,
    waits,
    ports: {
      projection: {
        name: 'history',
        types: 'all',
        handle: async (batch) => await Promise.resolve(batch.map(() => ({ kind: 'ok' }))),
        healthy: async () => await Promise.resolve(true),
        ...projection,
      },
      deadLetters: {
        store: async (letter) => {
          letters.push(letter);
          await Promise.resolve();
        },
      },
      settlements: {
        persisted: (event) => persisted.push(event.seq),
        buried: (place, { code }) => buried.push(`${place.tenant} ${place.sessionId} ${place.seq} ${code}`),
      },
      log: () => {},
      now: () => 5_000,
      random: () => 0,
      wait: async (ms) => {
        waits.push(ms);
        await Promise.resolve();
      },
      stopping: () => false,
      ...more,
    },
  };
}
