import { describe, expect, it } from 'vitest';
import type { AdminLogLine } from '../../../../shared/contract/admin.ts';
import type { CommandOutcome, RelayedCommand } from '../../../../shared/contract/internal.ts';
import { problemOf } from '../../../../shared/contract/problem.ts';
import { refusal } from '../../../../shared/core/codes.ts';
import { eraseEvent } from '../../../../shared/core/event.ts';
import type { Event } from '../../../../shared/core/types.ts';
import { letterId, type StoredLetter } from '../../../../consumers/admin/letter.ts';
import { redriveAll } from '../../../../consumers/admin/redrive-all.ts';
import { Redriver, type RedriverPorts } from '../../../../consumers/admin/redriver.ts';
import type { Redriven } from '../../../../consumers/runtime/redrive.ts';
import { anEvent } from '../../../contracts/events.ts';
import { aLetter, FakeBox } from './fakes.ts';

const OLGA = { tenant: 'default', actor: 'olga', correlationId: 'k' };
const ASKED = { ...OLGA, v: 1 as const, op: 'deadLetters.redriveAll' as const, dryRun: false, limit: 50 };
const inTime = () => ({ untilMs: Date.now() + 60_000 });
const eventOf = (seq: number): Event => anEvent('message.created', { seq, data: { id: `m${seq}` } });

const ACCEPTED: CommandOutcome = {
  kind: 'accepted',
  result: {
    commandId: 'c1',
    sessionId: 's1',
    seq: 1,
    eventId: 'e1',
    entityId: 'm1',
    correlationId: 'k',
    acceptedAt: '2026-01-01T00:00:00.000Z',
  },
};

/** Everything that was done, in its order. */
function rig(letters: readonly StoredLetter[], more: Partial<RedriverPorts> = {}) {
  const done: string[] = [];
  const executed: RelayedCommand[] = [];
  const lines: (Pick<AdminLogLine, 'action' | 'target' | 'details'> & { actor: string })[] = [];
  const box = new FakeBox(letters);
  const remove = box.remove.bind(box);
  box.remove = async (position) => {
    done.push(`remove ${position}`);
    return await remove(position);
  };
  const redriver = new Redriver({
    letters: box,
    events: { read: async () => await Promise.resolve(undefined) },
    eventNow: async ({ seq }) => await Promise.resolve(eventOf(seq)),
    handOver: async (consumer, event): Promise<Redriven> => {
      done.push(`hand ${event.seq} to ${consumer}`);
      return await Promise.resolve({ outcome: 'taken' });
    },
    tellFailed: async ({ sessionId, seq }, { code, consumer }) => {
      done.push(`tell ${sessionId} ${seq} ${consumer} ${code}`);
      await Promise.resolve();
    },
    execute: async (_message, command) => {
      done.push(`execute ${command.idempotencyKey}`);
      executed.push(command);
      return await Promise.resolve(ACCEPTED);
    },
    reply: (message, outcome) => {
      done.push(`reply ${outcome.kind} of ${message.subject}`);
    },
    log: {
      write: async ({ actor }, deed) => {
        done.push(`log ${deed.action}`);
        lines.push({ actor, ...deed });
        await Promise.resolve();
      },
    },
    ...more,
  });
  const all = async (asked: object = {}) =>
    await redriveAll({ letters: box, redriver, log: () => {} }, { ...ASKED, ...asked }, inTime());
  return { box, redriver, done, executed, lines, all };
}

function aCommand(position: number, headers: StoredLetter['headers'] = []): StoredLetter {
  const data = new TextEncoder().encode('{"command":"message.send"}');
  return {
    ...aLetter(position, { subject: 'millrace.dead.relay', data, bytes: data.length }),
    headers: [
      ...headers,
      ['Nats-Msg-Id', `dead.relay.${position}.1700000000`],
      ['Millrace-Reason', 'forbidden'],
      ['Millrace-Subject', 'millrace.commands.default.s1'],
      ['Millrace-Stream-Seq', String(position)],
    ],
  };
}

describe('one letter', () => {
  it('goes to its consumer, then the line, then it is removed', async () => {
    const letter = aLetter(3);
    const bench = rig([letter]);
    expect(await bench.redriver.redrive(letter, OLGA, inTime())).toEqual({
      id: letterId(letter),
      consumer: 'history',
      outcome: 'redriven',
      as: 'event',
    });
    expect(bench.done).toEqual(['hand 3 to history', 'log deadLetters.redrive', 'remove 3']);
    expect(bench.lines).toMatchObject([
      {
        actor: 'olga',
        target: letterId(letter),
        details: { consumer: 'history', reason: 'invalid_event', streamSeq: 3, as: 'event' },
      },
    ]);
  });

  it('is gone for another tenant, and once its stream holds another in its place', async () => {
    const { redriver } = rig([aLetter(3, { tenant: 'acme' }), aLetter(4)]);
    await expect(redriver.find(letterId(aLetter(3)), 'default')).rejects.toMatchObject({ refusal: { code: 'not_found' } });
    await expect(redriver.find(letterId({ position: 4, atMs: 1 }), 'default')).rejects.toMatchObject({
      refusal: { code: 'not_found' },
    });
    for (const id of ['4', 'x', '0-0', '-1-a']) {
      await expect(redriver.find(id, 'default')).rejects.toMatchObject({ refusal: { code: 'not_found' } });
    }
    expect((await redriver.find(letterId(aLetter(4)), 'default')).position).toBe(4);
  });

  it('of erased data is redriven as erased, whatever the letter holds', async () => {
    const letter = aLetter(3);
    let handed: Event | undefined;
    const { redriver } = rig([letter], {
      eventNow: async () => await Promise.resolve(eraseEvent(eventOf(3))),
      handOver: async (_consumer, event) => {
        handed = event;
        return await Promise.resolve({ outcome: 'taken' });
      },
    });
    expect(await redriver.redrive(letter, OLGA, inTime())).toMatchObject({ as: 'erased' });
    expect(handed?.data).toEqual({ id: 'm3', erased: true });
  });

  it.each([
    [{ outcome: 'poison' as const, reason: 'bug', detail: 'd' }, 'conflict'],
    [{ outcome: 'later' as const, detail: 'nobody' }, 'unavailable'],
  ])('that is not taken stays: %j', async (said, code) => {
    const letter = aLetter(3);
    const bench = rig([letter], { handOver: async () => await Promise.resolve(said) });
    await expect(bench.redriver.redrive(letter, OLGA, inTime())).rejects.toMatchObject({ refusal: { code } });
    expect(bench.done).toEqual([]);
    expect(bench.box.letters.size).toBe(1);
  });

  it('stays when the line cannot be stored', async () => {
    const letter = aLetter(3);
    const bench = rig([letter], { log: { write: async () => await Promise.reject(new Error('full')) } });
    await expect(bench.redriver.discard(letter, OLGA)).rejects.toThrow('full');
    expect(bench.box.letters.size).toBe(1);
  });

  it.each<[string, Partial<StoredLetter>, Partial<RedriverPorts>]>([
    ['no such event', {}, { eventNow: async () => await Promise.resolve(undefined) }],
    ['an event of another session', {}, { eventNow: async () => await Promise.resolve({ ...eventOf(3), sessionid: 'other' }) }],
    ['no seq', { data: new TextEncoder().encode('{}') }, {}],
    ['no JSON', { data: new Uint8Array([255]) }, {}],
  ])('can only be discarded: %s', async (_, more, ports) => {
    const letter = aLetter(3, more);
    const bench = rig([letter], ports);
    await expect(bench.redriver.redrive(letter, OLGA, inTime())).rejects.toMatchObject({ refusal: { code: 'conflict' } });
    expect(bench.done).toEqual([]);
    expect(await bench.redriver.discard(letter, OLGA)).toMatchObject({ outcome: 'discarded' });
    expect(bench.done.slice(-2)).toEqual(['log deadLetters.discard', 'remove 3']);
  });

  it('whose payload was cut is read whole from the stream, if that is still the same message', async () => {
    const whole = aLetter(3);
    const cut = {
      ...whole,
      data: whole.data.subarray(0, 40),
      headers: [...whole.headers, ['Millrace-Payload-Bytes', String(whole.data.length)] as const],
    };
    const subject = 'millrace.events.default.message.created.s1';
    const original = { ...whole, subject };
    const held = rig([cut], { events: { read: async () => await Promise.resolve(original) } });
    expect(await held.redriver.redrive(cut, OLGA, inTime())).toMatchObject({ as: 'event' });
    for (const other of [
      undefined,
      { ...original, subject: 'x' },
      { ...original, data: new TextEncoder().encode('{"seq":9}') },
    ]) {
      const { redriver } = rig([cut], { events: { read: async () => await Promise.resolve(other) } });
      await expect(redriver.redrive(cut, OLGA, inTime())).rejects.toMatchObject({ refusal: { code: 'conflict' } });
    }
  });
});

describe('a discard', () => {
  it('tells the session first, for the letter may be all that says it; then the line, then the letter', async () => {
    const letter = aLetter(3);
    const { redriver, done } = rig([letter]);
    await redriver.discard(letter, OLGA);
    expect(done).toEqual(['tell s1 3 history invalid_event', 'log deadLetters.discard', 'remove 3']);
  });

  it('leaves the letter while the session cannot be told', async () => {
    const letter = aLetter(3);
    const { redriver, box } = rig([letter], { tellFailed: async () => await Promise.reject(new Error('away')) });
    await expect(redriver.discard(letter, OLGA)).rejects.toThrow('away');
    expect(box.letters.size).toBe(1);
  });

  it('is nothing to the session where it is not the history that buried it', async () => {
    for (const letter of [aLetter(3, { subject: 'millrace.dead.search' }), aCommand(3)]) {
      const { redriver, done } = rig([letter]);
      await redriver.discard(letter, OLGA);
      expect(done).toEqual(['log deadLetters.discard', 'remove 3']);
    }
  });
});

describe('a refused command', () => {
  it('is given to its session with its own key, and goes once that has accepted it', async () => {
    const letter = aCommand(5, [
      ['Millrace-Idempotency-Key', 'mine'],
      ['Millrace-Original-Nats-Msg-Id', 'n'],
    ]);
    const { redriver, executed, done } = rig([letter]);
    const said = await redriver.redrive(letter, OLGA, inTime());
    expect(said).toMatchObject({ as: 'command', consumer: 'relay', outcome: 'redriven' });
    const payload = '{"command":"message.send"}';
    expect(executed).toEqual([{ tenant: 'default', sessionId: 's1', idempotencyKey: 'mine', payload }]);
    const replied = 'reply accepted of millrace.commands.default.s1';
    expect(done).toEqual(['execute mine', replied, 'log deadLetters.redrive', 'remove 5']);
  });

  it('keeps the key that the relay had made for it', async () => {
    const letter = aCommand(5);
    const { redriver, executed } = rig([letter]);
    await redriver.redrive(letter, OLGA, inTime());
    expect(executed[0]?.idempotencyKey).toBe('nats:5.1700000000');
  });

  it.each([
    ['refused', 'conflict', 'relay cannot take it: session_not_found: none such'],
    ['later', 'unavailable', 'session_not_found: none such'],
  ] as const)('that is %s again stays where it is, and the answer says why', async (kind, code, detail) => {
    const letter = aCommand(5);
    const problem = problemOf(refusal('session_not_found', 'none such'), 'k');
    const { redriver, done, all } = rig([letter], { execute: async () => await Promise.resolve({ kind, problem }) });
    await expect(redriver.redrive(letter, OLGA, inTime())).rejects.toMatchObject({ refusal: { code, detail } });
    expect(await all()).toMatchObject({ matched: 1, redriven: 0, failed: 1, items: [{ outcome: 'failed', code, detail }] });
    expect(done).toEqual([]);
  });

  it('that no relay could read is not given to anybody', async () => {
    const letter = { ...aCommand(5), data: new Uint8Array([0xff]) };
    const { redriver, done } = rig([letter]);
    const why = { code: 'conflict', detail: 'relay cannot take it: invalid_request: The body is not UTF-8.' };
    await expect(redriver.redrive(letter, OLGA, inTime())).rejects.toMatchObject({ refusal: why });
    expect(done).toEqual([]);
  });

  it('is given to nobody where its subject is none for commands, or its payload was cut', async () => {
    for (const header of [
      ['Millrace-Subject', 'millrace.commands.default.s1.more'],
      ['Millrace-Payload-Bytes', '99'],
    ] as const) {
      const letter = aCommand(5);
      const bad = { ...letter, headers: [...letter.headers, header] };
      const { redriver, done } = rig([bad]);
      await expect(redriver.redrive(bad, OLGA, inTime())).rejects.toMatchObject({ refusal: { code: 'conflict' } });
      expect(done).toEqual([]);
    }
  });
});

describe('many', () => {
  const ten = Array.from({ length: 10 }, (_none, index) => aLetter(index + 1));

  it('go oldest first, page by page, and one that fails holds up nobody', async () => {
    const bench = rig(ten, {
      handOver: async (_consumer, { seq }) =>
        await Promise.resolve(seq === 2 ? { outcome: 'poison', reason: 'bug', detail: 'd' } : { outcome: 'taken' }),
    });
    const first = await bench.all({ limit: 4 });
    expect(first).toMatchObject({ matched: 4, redriven: 3, failed: 1, next: { after: 4, until: 10 } });
    expect(first.items[1]).toMatchObject({ outcome: 'failed', code: 'conflict', reason: 'invalid_event' });
    // buried meanwhile: not a matter of this walk
    bench.box.put(aLetter(11));
    const second = await bench.all({ limit: 4, ...first.next });
    const third = await bench.all({ limit: 4, ...second.next });
    expect([second.redriven, third.redriven, third.next]).toEqual([4, 2, undefined]);
    expect([...bench.box.letters.keys()]).toEqual([2, 11]);
  });

  it('are chosen by consumer, by reason and by tenant', async () => {
    const bench = rig([...ten, aLetter(11, { tenant: 'acme' }), aCommand(12)]);
    expect(await bench.all({ consumer: 'search' })).toMatchObject({ matched: 0 });
    expect(await bench.all({ reason: 'forbidden' })).toMatchObject({ matched: 1, redriven: 1 });
    expect(await bench.all({ consumer: 'history', reason: 'forbidden' })).toMatchObject({ matched: 0 });
    expect(await bench.all({ tenant: 'acme' })).toMatchObject({ matched: 1, failed: 1 });
    expect(await bench.all()).toMatchObject({ matched: 10, redriven: 10 });
  });

  it('are chosen by id, each once, and what is gone is said to be', async () => {
    const bench = rig(ten);
    const ids = [letterId(aLetter(7)), letterId(aLetter(3)), letterId(aLetter(3)), '99-x'];
    const { items, next } = await bench.all({ ids });
    expect(items.map(({ id, outcome }) => [id, outcome])).toEqual(
      expect.arrayContaining([
        [ids[1], 'redriven'],
        [ids[0], 'redriven'],
        ['99-x', 'gone'],
      ]),
    );
    expect([items.length, next]).toEqual([3, undefined]);
    const more = rig(ten);
    const first = await more.all({ ids, limit: 1 });
    expect(first).toMatchObject({ redriven: 1, next: { after: 3 } });
    expect(await more.all({ ids, ...first.next })).toMatchObject({ matched: 2, redriven: 1 });
  });

  it('a dry run changes nothing', async () => {
    const bench = rig([...ten, aCommand(11)]);
    const { redriven, items } = await bench.all({ dryRun: true });
    expect([redriven, items.at(-1)]).toMatchObject([11, { outcome: 'wouldRedrive', as: 'command' }]);
    expect(bench.done).toEqual([]);
    expect(bench.box.letters.size).toBe(11);
  });

  it('what a fault of ours stops is told without its cause, and the others go on', async () => {
    const bench = rig(ten, {
      eventNow: async ({ seq }) => {
        if (seq === 1) throw new Error('the edge at 10.0.0.7 is away');
        return await Promise.resolve(eventOf(seq));
      },
    });
    const report = await bench.all();
    expect(report).toMatchObject({ redriven: 9, failed: 1 });
    expect(JSON.stringify(report)).not.toContain('10.0.0.7');
  });
});
