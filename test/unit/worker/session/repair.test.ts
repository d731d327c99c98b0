import { describe, expect, test } from 'vitest';
import { RepairRig } from './repair-rig.ts';

const MINUTE = 60_000;
const AGAIN = 'events that archive and stream had lost are published again';

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_none, index) => from + index);
}

async function started(messages: number): Promise<RepairRig> {
  const rig = new RepairRig();
  await rig.start(messages);
  return rig;
}

describe('P6: the repair of what has no receipt', () => {
  test('receipts were lost: the archive is asked, and nothing is published', async () => {
    const rig = await started(2_500);
    rig.consume({ lost: true });
    await rig.pass(59_000);
    expect(rig.missing).toBe(2_501);
    await rig.pass(2_000);
    expect(rig.missing).toBe(0);
    expect(rig.questions('held')).toBe(3);
    expect(rig.questions('inStream')).toBe(0);
    expect(rig.stream.stored).toHaveLength(2_501);
    await rig.pass(60 * MINUTE);
    expect(rig.questions('held')).toBe(3);
  });

  test('the stream was made anew: all is published again, in order, once, and later than its window', async () => {
    const rig = await started(600);
    const publishedMs = rig.nowMs;
    rig.stream.recreate();
    await rig.pass(149_000);
    expect(rig.stream.messages).toEqual([]);
    await rig.pass(2_000);
    expect(rig.stream.messages.map(({ payload }) => (JSON.parse(payload) as { seq: number }).seq)).toEqual(numbers(1, 601));
    for (const { atMs, seqs } of rig.republished()) {
      expect(atMs).toBeGreaterThan(publishedMs + rig.stream.windowMs);
      expect(seqs.length).toBeLessThanOrEqual(256);
    }
    rig.consume();
    expect(rig.missing).toBe(0);
    await rig.pass(60 * MINUTE);
    expect(rig.stream.stored).toHaveLength(2 * 601);
    expect(rig.logged.filter(({ message }) => message === AGAIN)).toHaveLength(rig.republished().length);
  });

  test('the stream lost its tail: only what it lost is published again', async () => {
    const rig = await started(100);
    rig.stream.loseTail(10);
    await rig.pass(3 * MINUTE);
    expect(rig.republished().flatMap(({ seqs }) => seqs)).toEqual(numbers(92, 101));
    rig.consume();
    expect(rig.missing).toBe(0);
  });

  test('the stream lost its tail before more came: the hole is filled', async () => {
    const rig = await started(100);
    rig.stream.loseTail(10);
    for (const text of ['a', 'b', 'c']) rig.send(text);
    await rig.settle();
    rig.consume();
    expect(rig.missing).toBe(13);
    await rig.pass(5 * MINUTE);
    expect(rig.republished().flatMap(({ seqs }) => seqs)).toEqual(numbers(92, 101));
    rig.consume();
    expect(rig.missing).toBe(0);
  });

  test('a stream that forgets messages and remembers their ids stores nothing: it is tried again, later each time', async () => {
    const rig = await started(3);
    rig.stream.loseTail(4, true);
    // some other clock: the window is longer than it says
    const remembers = rig.stream;
    Object.defineProperty(remembers, 'windowMs', { value: 20 * MINUTE, configurable: true });
    const answer = remembers.request.bind(remembers);
    remembers.request = async (subject, payload) => {
      const outcome = await answer(subject, payload);
      return outcome.ok
        ? { ok: true, payload: outcome.payload.replace('"duplicateWindowMs":1200000', '"duplicateWindowMs":120000') }
        : outcome;
    };
    await rig.pass(60 * MINUTE);
    expect(rig.stream.messages).toHaveLength(4);
    const times = rig.republished().map(({ atMs }) => atMs);
    expect(times.length).toBeGreaterThan(2);
    expect(times.length).toBeLessThan(6);
    const waits = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    rig.consume();
    expect(rig.missing).toBe(0);
  });

  test('a consumer that is behind is left in peace: nothing is published, and one look per round', async () => {
    const rig = await started(2_000);
    await rig.pass(120 * MINUTE);
    expect(rig.stream.stored).toHaveLength(2_001);
    expect(rig.questions('inStream')).toBeLessThan(20);
    expect(rig.questions('held')).toBeLessThan(20);
    rig.consume();
    expect(rig.missing).toBe(0);
  });

  test.each(['all', 'stream'] as const)('silence (%s) is not absence: nothing is published', async (silent) => {
    const rig = await started(10);
    rig.stream.recreate();
    rig.stream.silent = silent;
    await rig.pass(24 * 60 * MINUTE);
    expect(rig.stream.messages).toEqual([]);
    rig.stream.silent = 'none';
    await rig.pass(15 * MINUTE);
    expect(rig.stream.messages).toHaveLength(11);
  });

  test('a store that lost what was acknowledged gets it again', async () => {
    const rig = await started(10);
    rig.consume({ lost: true });
    rig.stream.archived.clear();
    await rig.pass(3 * MINUTE);
    expect(rig.stream.messages).toHaveLength(22);
    rig.consume();
    expect(rig.missing).toBe(0);
  });

  test('an outage longer than the stream keeps: what aged away unconsumed is published again', async () => {
    const rig = await started(10);
    await rig.pass(31 * 24 * 60 * MINUTE);
    rig.stream.messages = [];
    await rig.pass(20 * MINUTE);
    expect(rig.stream.messages).toHaveLength(11);
    rig.consume();
    expect(rig.missing).toBe(0);
  });

  test('a dead letter is never published again, though its receipt was lost', async () => {
    const rig = await started(3);
    const letter = rig.stream.messages[1];
    rig.stream.letters.set(letter?.id ?? '', { code: 'invalid_event', detail: 'no', consumer: 'history', at: rig.nowMs });
    rig.consume({ lost: true });
    rig.stream.archived.delete(2);
    await rig.pass(24 * 60 * MINUTE);
    expect(rig.missing).toBe(0);
    expect(rig.stream.stored).toHaveLength(4);
    expect(rig.room.progress.of(2).failure).toMatchObject({ code: 'invalid_event', consumer: 'history' });
  });

  test('a crash between the note and the publish costs a wait, not a second copy', async () => {
    const rig = await started(5);
    rig.stream.recreate();
    const publish = rig.stream.publish.bind(rig.stream);
    // the call never gets anywhere, and the object dies
    rig.stream.publish = async (items) => {
      rig.stream.calls.push({ atMs: rig.nowMs, seqs: items.map(() => 0) });
      throw await Promise.resolve(new Error('gone'));
    };
    await rig.pass(151_000);
    expect(rig.stream.calls.at(-1)?.seqs).toHaveLength(6);
    rig.stream.publish = publish;
    rig.reopen();
    await rig.pass(4 * MINUTE);
    expect(rig.stream.messages).toEqual([]);
    await rig.pass(2 * MINUTE);
    expect(rig.stream.messages).toHaveLength(6);
    await rig.pass(30 * MINUTE);
    expect(rig.stream.stored).toHaveLength(2 * 6);
  });

  test('new events go out while lost ones are looked for: the mark of what was sent never goes back', async () => {
    const rig = await started(300);
    rig.stream.recreate();
    for (let minute = 0; minute < 6; minute += 1) {
      rig.send(`later ${minute}`);
      await rig.settle();
      expect(rig.room.progress.sent).toBe(rig.room.events.head);
      await rig.pass(MINUTE);
    }
    rig.consume();
    expect(rig.missing).toBe(0);
    expect(new Set(rig.stream.archived).size).toBe(307);
  });

  test('an Uplink of an older build says no sequences: the stream is looked through from its start', async () => {
    const rig = new RepairRig();
    rig.stream.old = true;
    await rig.start(10);
    rig.stream.loseTail(5);
    await rig.pass(3 * MINUTE);
    expect(rig.republished().flatMap(({ seqs }) => seqs)).toEqual(numbers(7, 11));
    const asked = rig.stream.asked.find((request) => request.op === 'inStream');
    expect(asked?.op === 'inStream' && asked.from).toBeUndefined();
  });

  test('the stream is looked through from where the events were first stored', async () => {
    const rig = await started(10);
    rig.consume();
    for (let at = 0; at < 5; at += 1) rig.send(`more ${at}`);
    await rig.settle();
    await rig.pass(2 * MINUTE);
    const asked = rig.stream.asked.find((request) => request.op === 'inStream');
    expect(asked).toMatchObject({ from: 12 });
  });
});

describe('the outbox at its bounds', () => {
  test('P6: a stream that is full takes nothing; all is there once it has room', async () => {
    const rig = new RepairRig();
    rig.stream.full = true;
    await rig.start(400);
    await rig.pass(60 * MINUTE);
    expect(rig.room.progress.sent).toBe(0);
    // tried at most every 15 s, with jitter, and only the head of it
    expect(rig.stream.calls.length).toBeLessThan(260);
    rig.stream.full = false;
    await rig.pass(MINUTE);
    expect(rig.stream.stored).toEqual(numbers(1, 401));
    rig.consume();
    expect(rig.missing).toBe(0);
  });

  test('P9: at the bound of events commands are overloaded, and accepted again when receipts have come', async () => {
    const rig = new RepairRig({ unpersistedEvents: 3 });
    rig.stream.full = true;
    await rig.start(2);
    expect(rig.send('one too many')).toMatchObject({ ok: false, refusal: { code: 'overloaded' } });
    rig.stream.full = false;
    await rig.pass(MINUTE);
    expect(rig.send('not yet persisted')).toMatchObject({ ok: false, refusal: { code: 'overloaded' } });
    rig.consume();
    expect(rig.send('room again')).toMatchObject({ ok: true });
  });

  test('P9: the same at the bound of bytes', async () => {
    const rig = new RepairRig({ unpersistedBytes: 2_000 });
    await rig.start(0);
    let sent = 0;
    while (rig.send('x'.repeat(100)).ok) sent += 1;
    expect(sent).toBeGreaterThan(0);
    expect(rig.send('x')).toMatchObject({ ok: false, refusal: { code: 'overloaded' } });
    await rig.settle();
    rig.consume();
    expect(rig.send('room again')).toMatchObject({ ok: true });
  });
});
