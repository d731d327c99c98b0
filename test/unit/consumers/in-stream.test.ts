import { describe, expect, test } from 'vitest';
import { lookInStream, type EventStreamState, type Looking } from '../../../consumers/query/in-stream.ts';
import { SYSTEM_TIME } from '../../../consumers/runtime/time.ts';
import type { HistoryStore } from '../../../consumers/stores/history/port.ts';
import type { InStreamAnswer, QueryAnswer } from '../../../shared/contract/internal.ts';
import { rangesOf, seqsOf } from '../../../shared/core/seq-ranges.ts';

const SUBJECT = 'millrace.events.default.*.*.s1';

/** A stream of one session's messages, an archive and dead letters, of which things can be taken away. */
class World {
  /** event ids by stream sequence */
  readonly messages = new Map<number, string>();
  state: EventStreamState = { created: 'one', lastSeq: 0, duplicateWindowMs: 120_000, ackFloor: 0 };
  readonly archived = new Set<number>();
  readonly letters = new Map<string, { code: string; detail: string; consumer: string; at: number }>();
  reads = 0;
  nowMs = 0;
  msPerRead = 0;
  /** runs before each read of the stream */
  onRead: () => void = () => {};

  put(...ids: string[]): void {
    for (const id of ids) {
      this.state = { ...this.state, lastSeq: this.state.lastSeq + 1 };
      this.messages.set(this.state.lastSeq, id);
    }
  }

  looking(): Looking {
    // nothing else of the store is asked
    const store = {
      heldRanges: async (_session: object, ranges: [number, number][]) =>
        await Promise.resolve({
          ranges: rangesOf(ranges.flatMap(seqsOf).filter((seq) => this.archived.has(seq))),
          publishedAt: 5,
          persistedAt: 6,
        }),
    } as unknown as HistoryStore;
    return {
      store,
      stream: {
        state: async () => await Promise.resolve(this.state),
        next: async (subject, fromSeq) => {
          if (subject !== SUBJECT) throw new Error(`another subject: ${subject}`);
          this.onRead();
          this.reads += 1;
          this.nowMs += this.msPerRead;
          const seq = [...this.messages.keys()].filter((each) => each >= fromSeq).toSorted((a, b) => a - b)[0];
          return await Promise.resolve(seq === undefined ? undefined : { seq, id: this.messages.get(seq) ?? '' });
        },
      },
      deadLettersOf: async (ids) => await Promise.resolve(new Map([...this.letters].filter(([id]) => ids.has(id)))),
      time: { ...SYSTEM_TIME, now: () => this.nowMs },
    };
  }

  async ask(seqs: number[], where: { from?: number; created?: string } = {}): Promise<QueryAnswer> {
    const events = seqs.map((seq) => ({ seq, id: `e${seq}` }));
    return await lookInStream(this.looking(), { v: 1, op: 'inStream', tenant: 'default', sessionId: 's1', events, ...where });
  }

  async told(seqs: number[], where: { from?: number; created?: string } = {}): Promise<InStreamAnswer> {
    const answer = await this.ask(seqs, where);
    if (!answer.ok || answer.op !== 'inStream') throw new Error(JSON.stringify(answer));
    return answer;
  }
}

describe('where an event is that the archive did not hold', () => {
  test('in the stream, and still to come', async () => {
    const world = new World();
    world.put('e1', 'e2', 'e3');
    expect(await world.told([1, 2, 3])).toMatchObject({ held: [1, 2, 3], absent: [], buried: [], duplicateWindowMs: 120_000 });
  });

  test('nowhere: the stream lost its tail, or was made anew', async () => {
    const world = new World();
    world.put('e1', 'other');
    expect(await world.told([1, 2, 3])).toMatchObject({ held: [1], absent: [2, 3] });
  });

  test('another event under the sequence that it had is not it', async () => {
    const world = new World();
    world.put('x1', 'x2', 'x3', 'x4');
    expect(await world.told([2], { from: 2 })).toMatchObject({ held: [], absent: [2] });
  });

  test('acknowledged, and yet not in the archive: it will not be delivered again, so it is nowhere', async () => {
    const world = new World();
    world.put('e1', 'e2', 'e3');
    world.state = { ...world.state, ackFloor: 2 };
    expect(await world.told([1, 2, 3])).toMatchObject({ held: [3], absent: [1, 2] });
  });

  test('a second copy behind what was acknowledged is still to come', async () => {
    const world = new World();
    world.put('e1', 'e2', 'e1');
    world.state = { ...world.state, ackFloor: 2 };
    expect(await world.told([1, 2])).toMatchObject({ held: [1], absent: [2] });
  });

  test('in the archive by now: as good as a receipt', async () => {
    const world = new World();
    world.put('e1');
    // consumed, acknowledged and purged while the stream was looked at
    world.onRead = () => world.archived.add(2);
    expect(await world.told([1, 2])).toMatchObject({
      held: [1],
      absent: [],
      archived: { ranges: [[2, 2]], publishedAt: 5, persistedAt: 6 },
    });
  });

  test('a dead letter whose receipt was lost is never nowhere', async () => {
    const world = new World();
    world.put('e1');
    world.state = { ...world.state, ackFloor: 1 };
    const letter = { code: 'invalid_event', detail: 'no', consumer: 'history', at: 7 };
    world.letters.set('e1', letter);
    expect(await world.told([1, 2])).toMatchObject({ absent: [2], buried: [{ seq: 1, ...letter }] });
  });
});

describe('what nobody could say is not said', () => {
  test('a look that ends at its bound of reads names none as absent, and the next goes on behind it', async () => {
    const world = new World();
    for (let seq = 0; seq < 600; seq += 1) world.put(`other${seq}`);
    world.put('e1');
    const first = await world.told([1, 2]);
    expect(first).toMatchObject({ held: [], absent: [], lookedTo: 512 });
    expect(await world.told([1, 2], { from: 513, created: first.created })).toMatchObject({ held: [1], absent: [2] });
    expect(world.reads).toBe(512 + 90);
  });

  test('the same at its bound of time', async () => {
    const world = new World();
    world.put('x1', 'x2', 'x3', 'e1');
    world.msPerRead = 600;
    expect(await world.told([1])).toMatchObject({ held: [], absent: [], lookedTo: 2 });
  });

  test('a bound that speaks of another stream is not heeded', async () => {
    const world = new World();
    world.put('e1');
    expect(await world.told([1], { from: 900, created: 'another' })).toMatchObject({ held: [1] });
  });

  test('a stream that is made anew meanwhile makes the answer unavailable', async () => {
    const world = new World();
    world.onRead = () => (world.state = { ...world.state, created: 'two' });
    expect(await world.ask([1])).toMatchObject({ ok: false, code: 'unavailable' });
  });

  test('a durable that stands ahead of a stream without its tail makes it unavailable: it would skip what is published', async () => {
    const world = new World();
    world.put('e1');
    world.state = { ...world.state, ackFloor: 40 };
    expect(await world.ask([2])).toMatchObject({ ok: false, code: 'unavailable' });
  });
});
