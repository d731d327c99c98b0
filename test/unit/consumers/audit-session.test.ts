import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { SessionReport } from '../../../consumers/audit/finding.ts';
import type { Event } from '../../../shared/core/types.ts';
import { anEvent, conversation } from '../../contracts/events.ts';
import { AuditWorld, NOW_MS, STORED_AT_MS } from './audit-world.ts';

/** fast-check prints the seed of a failure */
const RUNS = Number(process.env['FC_RUNS'] ?? 10);

const worlds: AuditWorld[] = [];
afterEach(() => {
  for (const world of worlds.splice(0)) world.dispose();
});

async function worldOf(events: readonly Event[], persisted: readonly Event[] = events): Promise<AuditWorld> {
  const world = new AuditWorld(events);
  worlds.push(world);
  await world.persist(persisted);
  return world;
}

function said({ findings, failure }: SessionReport): string[] {
  expect(failure).toBeUndefined();
  return findings.map(({ tier, kind, place }) => `${kind} ${tier} ${place}`).toSorted();
}

const TALK: readonly Event[] = [
  anEvent('session.created', { seq: 1 }),
  anEvent('message.created', { seq: 2, data: { id: 'm1' } }),
  anEvent('message.created', { seq: 3, data: { id: 'm2', ordinal: 2 } }),
  anEvent('message.updated', { seq: 4, data: { id: 'm1', messageSeq: 2 } }),
  anEvent('message.deleted', { seq: 5, data: { id: 'm1', messageSeq: 2, updatedSeqs: [4] } }),
  anEvent('reaction.added', { seq: 6, data: { messageId: 'm2', messageSeq: 3 } }),
];

describe('an audit of one session', () => {
  it('is clean whatever was said, erased and deleted, in whatever order it was written', async () => {
    await fc.assert(
      fc.asyncProperty(
        conversation().chain((events) =>
          fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length })),
        ),
        async ([events, order]) => {
          const world = await worldOf(events, order);
          expect(said(await world.audit())).toEqual([]);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('finds every event that was removed, calls lost what is nowhere else, and mends the others', async () => {
    const removal = fc.record({ pick: fc.nat(), inStream: fc.boolean(), inTail: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(conversation(), fc.array(removal, { minLength: 1, maxLength: 4 }), async (events, removals) => {
        const world = await worldOf(events);
        // the tail is what is above the floor: one choice for all
        world.floor = removals[0]?.inTail === true ? 1 : events.length + 1;
        const removed = new Map<number, boolean>();
        for (const { pick, inStream } of removals) {
          const seq = (pick % events.length) + 1;
          if (removed.has(seq)) continue;
          const isStreamed = inStream || world.floor === 1;
          removed.set(seq, isStreamed);
          world.sql('DELETE FROM events WHERE seq = ?', seq);
          if (!isStreamed) world.stream.delete(seq);
        }
        const found = said(await world.audit()).filter((each) => each.includes('archive'));
        const expected = [...removed].map(([seq, isStreamed]) => `${isStreamed ? 'missing' : 'lost'} archive ${seq}`).toSorted();
        expect(found).toEqual(expect.arrayContaining(expected));
        expect(found).toHaveLength(expected.length);
        const left = said(await world.audit({ repair: true }));
        expect(left).toEqual(expected.filter((each) => each.startsWith('lost')));
      }),
      { numRuns: RUNS },
    );
  });

  it('finds every row that was changed, and mends it', async () => {
    await fc.assert(
      fc.asyncProperty(conversation(), fc.nat(), fc.constantFrom('zz', '', '0'), async (events, pick, forged) => {
        fc.pre(events.at(-1)?.type !== 'session.deleted');
        const world = await worldOf(events);
        const [table, cell] = (
          [
            ['messages', 'text'],
            ['members', 'role'],
            ['sessions', 'title'],
            ['traces', 'name'],
            ['spans', 'name'],
          ] as const
        )[pick % 5] ?? ['sessions', 'title'];
        const changed = world.sql(`UPDATE ${table} SET ${cell} = ? WHERE ${cell} IS NOT NULL AND ${cell} <> ?`, forged, forged);
        const found = said(await world.audit());
        expect(found).toHaveLength(changed);
        expect(found.every((each) => each.startsWith(`different history ${table}`))).toBe(true);
        const repaired = await world.audit({ repair: true });
        expect({ left: said(repaired), mended: repaired.mended }).toEqual({ left: [], mended: changed });
      }),
      { numRuns: RUNS },
    );
  });

  it('tells what is on its way from what is overdue', async () => {
    const world = await worldOf(TALK, TALK.slice(0, 5));
    world.pending = [{ from: 6, to: 6 }];
    const report = await world.audit();
    expect([said(report), report.counts.pending]).toEqual([[], 1]);
    world.oldestPendingAtMs = NOW_MS - 3_600_000;
    expect(said(await world.audit())).toEqual(['missing archive 6', 'missing history reactions 3 👍 bob']);
  });

  it('tells other read models when the archive is behind them: what they have more is not to be judged, nor mended', async () => {
    const world = await worldOf(TALK, TALK.slice(0, 5));
    world.pending = [{ from: 6, to: 6 }];
    await world.audit();
    world.pending = [];
    world.failures = [{ seq: 6, consumer: 'history', code: 'projection_failed' }];
    await world.audit();
    world.failures = [];
    await world.persist(TALK);
    await world.audit();
    expect(world.asked.map(({ isIncomplete }) => isIncomplete)).toEqual([true, true, false]);
  });

  it('takes a dead letter for an answer, also that of a deletion that has not erased yet', async () => {
    const world = await worldOf(
      TALK,
      TALK.filter(({ seq }) => seq !== 5),
    );
    expect(said(await world.audit())).toEqual(
      ['different archive 2', 'different archive 4', 'missing archive 5'].concat(['different history messages 2']).toSorted(),
    );
    world.failures = [{ seq: 5, consumer: 'history', code: 'projection_failed' }];
    const report = await world.audit();
    expect([said(report), report.deadLetters]).toEqual([[], [{ consumer: 'history', seq: 5, reason: 'projection_failed' }]]);
    // and one that the edge was not told of, by its letter
    world.failures = [];
    world.letters = [{ consumer: 'history', reason: 'projection_failed', seq: 5, streamSeq: 5 }];
    expect(said(await world.audit())).toEqual([]);
  });

  it('waits for a deletion of the whole session that is on its way, however much it has to erase', async () => {
    const events = [...TALK, anEvent('session.deleted', { seq: 7 })];
    const world = await worldOf(events, TALK);
    world.pending = [{ from: 7, to: 7 }];
    const report = await world.audit({ findingsMax: 2 });
    expect([said(report), report.isCut, report.counts.pending]).toEqual([[], undefined, 1]);
  });

  it('calls what was trimmed before there were digests unverifiable: neither right nor wrong', async () => {
    const world = await worldOf(TALK);
    world.unknown = new Set([1, 2, 3]);
    world.sql(`UPDATE events SET envelope = json_set(envelope, '$.actor', 'mallory') WHERE seq = 3`);
    const report = await world.audit();
    expect([said(report).filter((each) => each.includes('archive')), report.counts.unverifiable]).toEqual([[], 3]);
  });

  it('names what the stream has that nobody accepted, unless it is a dead letter, and publishes again what it lost', async () => {
    const world = await worldOf(TALK);
    const forged = { ...TALK[2], actor: 'mallory' } as Event;
    world.stream.set(70, { ...forged, seq: 70 });
    world.stream.set(71, forged);
    world.stream.delete(6);
    // a repetition, whole though it is erased by now, is as it should be
    world.stream.set(72, TALK[1] as Event);
    expect(said(await world.audit())).toEqual(['different stream message 71', 'extra stream message 70', 'missing stream 6']);
    world.letters = [70, 71].map((streamSeq) => ({ consumer: 'history', reason: 'invalid_event', streamSeq }));
    expect(said(await world.audit({ repair: true }))).toEqual([]);
    expect(world.published).toEqual([TALK[5]]);
  });

  it('removes nothing, and puts nothing back that was erased', async () => {
    const world = await worldOf(TALK);
    world.sql(`INSERT INTO members (tenant, session_id, user_id, active) VALUES ('default', 's1', 'mallory', 1)`);
    world.sql(
      `INSERT INTO events (tenant, session_id, seq, envelope, data) SELECT tenant, session_id, 9, envelope, data FROM events WHERE seq = 6`,
    );
    world.sql(`UPDATE events SET data = '{"id":"m1","text":"put back"}' WHERE seq = 2`);
    world.sql(`UPDATE messages SET text = 'put back' WHERE seq = 2`);
    expect(said(await world.audit())).toEqual([
      'different archive 2',
      'different history messages 2',
      'extra archive 9',
      'extra history members mallory',
    ]);
    const repaired = await world.audit({ repair: true });
    expect(said(repaired)).toEqual(['extra archive 9', 'extra history members mallory']);
    expect(world.sql(`UPDATE messages SET seq = seq WHERE seq = 2 AND text = ''`)).toBe(1);
  });

  it('leaves alone a cell whose clock lies in the future, and ends', async () => {
    const world = await worldOf(TALK);
    world.sql(`UPDATE sessions SET title = 'zz', title_clock = ?`, BigInt(NOW_MS + 3_600_000) * 1_000n);
    const report = await world.audit({ repair: true });
    expect([said(report), report.mended]).toEqual([['different history sessions'], 0]);
  });

  it('keeps the times that an event was stored at when it mends what else is wrong with it', async () => {
    const world = await worldOf(TALK);
    world.sql(`UPDATE events SET data = '{}', published_at = published_at WHERE seq = 6`);
    expect(said(await world.audit({ repair: true }))).toEqual([]);
    expect(
      world.sql(
        `UPDATE events SET seq = seq WHERE seq = 6 AND published_at = ? AND persisted_at = ?`,
        STORED_AT_MS,
        STORED_AT_MS,
      ),
    ).toBe(1);
  });

  it('finds no more than it may at a time, and says that there is more', async () => {
    const world = await worldOf(TALK);
    world.sql('DELETE FROM events');
    const cut = await world.audit({ findingsMax: 2 });
    expect([said(cut).length, cut.isCut]).toEqual([2, true]);
    expect(said(await world.audit({ findingsMax: 2, repair: true }))).toEqual([]);
  });
});
