import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LossyStream } from './lossy-stream.ts';
import { RepairRig } from './repair-rig.ts';

const MINUTE = 60_000;
const HEALED_MINUTES_MAX = 12 * 60;
const RUNS = 150;
const seed = Number(process.env['FC_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
console.log(`property test of the repair: FC_SEED=${seed} repeats this run`);

type Step =
  | { do: 'send'; count: number }
  | { do: 'consume'; lost: boolean }
  | { do: 'loseTail'; count: number; remembers: boolean }
  | { do: 'recreate' | 'reopen' | 'forgetArchive' }
  | { do: 'full'; is: boolean }
  | { do: 'silent'; what: LossyStream['silent'] }
  | { do: 'bury'; at: number }
  | { do: 'pass'; minutes: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const), count: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('consume' as const), lost: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('loseTail' as const),
      count: fc.integer({ min: 1, max: 40 }),
      remembers: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('recreate' as const, 'reopen' as const, 'forgetArchive' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('full' as const), is: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('silent' as const), what: fc.constantFrom('none', 'all', 'stream') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('bury' as const), at: fc.nat(20) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('pass' as const), minutes: fc.integer({ min: 1, max: 20 }) }) },
);

/** Looks at every publish: nothing may go out that is still to come, is archived or a dead letter, or was published a moment ago. */
class Watched {
  readonly rig = new RepairRig();
  readonly faults: string[] = [];
  readonly #lastMs = new Map<number, number>();

  constructor() {
    const { stream } = this.rig;
    const publish = stream.publish.bind(stream);
    stream.publish = async (items) => {
      for (const { id, payload } of items) this.#look(id, (JSON.parse(payload) as { seq: number }).seq);
      const outcome = await publish(items);
      // what was not taken is tried again at once, and may be
      for (const { payload } of items.slice(0, outcome.acked)) {
        this.#lastMs.set((JSON.parse(payload) as { seq: number }).seq, this.rig.nowMs);
      }
      return outcome;
    };
  }

  #look(id: string, seq: number): void {
    const { stream, nowMs } = this.rig;
    const lastMs = this.#lastMs.get(seq);
    if (lastMs === undefined) return;
    if (nowMs - lastMs <= stream.windowMs) this.faults.push(`${seq} was published ${nowMs - lastMs} ms ago`);
    if (stream.archived.has(seq)) this.faults.push(`${seq} is archived`);
    if (stream.letters.has(id)) this.faults.push(`${seq} is a dead letter`);
    const waits = stream.messages.some((message) => message.id === id && message.streamSeq > stream.ackFloor);
    if (waits) this.faults.push(`${seq} is still to come`);
  }

  async take(each: Step): Promise<void> {
    const { rig } = this;
    switch (each.do) {
      case 'send':
        for (let sent = 0; sent < each.count; sent += 1) rig.send('text');
        return await rig.settle();
      case 'consume':
        return rig.consume({ lost: each.lost });
      case 'loseTail':
        return rig.stream.loseTail(each.count, each.remembers);
      case 'recreate':
        return rig.stream.recreate();
      case 'reopen':
        rig.reopen();
        // what an outbox had under way when it died goes out twice, as it may: that is not what is looked at here
        return await rig.settle();
      case 'forgetArchive':
        // what the edge has no receipt of: of the rest it lets go
        for (const seq of rig.stream.archived) if (!rig.room.progress.holds(seq)) rig.stream.archived.delete(seq);
        return;
      case 'full':
        rig.stream.full = each.is;
        return;
      case 'silent':
        rig.stream.silent = each.what;
        return;
      case 'bury':
        return this.#bury(each.at);
      case 'pass':
        return await rig.pass(each.minutes * MINUTE);
    }
  }

  /** One that waits becomes a dead letter, of which the Session hears nothing. */
  #bury(at: number): void {
    const { stream, nowMs } = this.rig;
    const message = stream.messages.filter(({ streamSeq }) => streamSeq > stream.ackFloor)[at];
    if (message === undefined) return;
    stream.letters.set(message.id, { code: 'invalid_event', detail: 'no', consumer: 'history', at: nowMs });
    stream.messages = stream.messages.filter((each) => each !== message);
  }

  /** All works again: how long until everything is persisted or known as a dead letter. */
  async heal(): Promise<number> {
    const { rig } = this;
    rig.stream.full = false;
    rig.stream.silent = 'none';
    for (let minutes = 0; minutes < HEALED_MINUTES_MAX; minutes += 1) {
      await rig.pass(MINUTE);
      rig.consume();
      if (rig.missing === 0) return minutes;
    }
    return Number.POSITIVE_INFINITY;
  }
}

test('P6 property: whatever is lost, everything ends persisted or as a dead letter, and nothing is published that is not lost', async () => {
  let again = 0;
  let slowest = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      const watched = new Watched();
      await watched.rig.start(3);
      for (const each of steps) await watched.take(each);
      const minutes = await watched.heal();
      again += watched.rig.republished().length;
      slowest = Math.max(slowest, minutes);
      expect(watched.faults).toEqual([]);
      expect(minutes).toBeLessThan(HEALED_MINUTES_MAX);
      const { progress, events } = watched.rig.room;
      expect(progress.sent).toBe(events.head);
      for (let seq = 1; seq <= events.head; seq += 1) {
        expect(watched.rig.stream.archived.has(seq) || progress.of(seq).failure !== undefined, `seq ${seq}`).toBe(true);
      }
    }),
    { seed, numRuns: RUNS },
  );
  console.log(`${RUNS} runs: ${again} batches published again; the slowest was whole after ${slowest} minutes`);
  expect(again).toBeGreaterThan(RUNS / 4);
});
