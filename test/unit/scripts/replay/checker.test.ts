import { describe, expect, it } from 'vitest';
import { check, isClean, type Aspect } from '../../../../scripts/replay/checker.ts';
import { EventLog, type SessionEvidence } from '../../../../scripts/replay/evidence.ts';

const SESSION = 'review-1';
const TIME = '2026-01-01T00:00:00.000Z';
const texts: [string, string][] = [
  ['ada', 'hello'],
  ['bo`b[]', 'hello'],
  ['ada', 'how are you?'],
  ['bo`b[]', '  kept  as it is '],
];

/** What a run without any difference leaves behind: a session of two, four messages, a socket each. */
function cleanRun(): SessionEvidence {
  const setup = [{ commandId: 'c0', eventId: 'e1', seq: 1 }];
  const accepted = texts.map(([userId, text], index) => {
    const seq = index + 2;
    return { index, userId, text, commandId: `c${seq}`, entityId: `m${seq}`, eventId: `e${seq}`, seq, floorSeq: seq - 1 };
  });
  const created = {
    id: 'e1',
    type: 'session.created',
    subject: SESSION,
    seq: 1,
    clock: '1001',
    actor: 'ada',
    causationid: 'c0',
    time: TIME,
    data: { title: 't' },
  };
  const events = [
    created,
    ...accepted.map(({ index, userId, text, commandId, entityId, eventId, seq }) => ({
      id: eventId,
      type: 'message.created',
      subject: entityId,
      seq,
      clock: String(1000 + seq),
      actor: userId,
      causationid: commandId,
      time: TIME,
      data: { id: entityId, ordinal: index + 1, text },
    })),
  ];
  const messages = accepted
    .map(({ userId, text, entityId, seq }) => {
      return { id: entityId, sessionId: SESSION, seq, author: { id: userId }, text, status: 'completed', createdAt: TIME };
    })
    .toReversed();
  const statuses = new Map(
    [...setup, ...accepted].map(({ commandId, eventId, seq }) => [
      commandId,
      { commandId, eventId, seq, status: 'persisted' as const, acceptedAt: TIME, publishedAt: TIME, persistedAt: TIME },
    ]),
  );
  const log = new EventLog();
  const sockets = ['ada', 'bo`b[]'].map((userId) => ({ userId, seen: events.map((event) => log.see(event)) }));
  return { sessionId: SESSION, sent: 4, accepted, setup, faults: [], events, head: 5, messages, sockets, statuses };
}

/** Each plants one difference, and names the aspect that must report it, with a part of the line. */
const planted: [string, Aspect, RegExp, (run: SessionEvidence) => void][] = [
  ['an event is missing', 'complete', /has no event over HTTP/, (run) => run.events.splice(2, 1)],
  [
    'an event is doubled',
    'complete',
    /has 2 events over HTTP/,
    (run) => run.events.push({ ...at(run.events, 4), seq: 6, id: 'e6', clock: '2000' }),
  ],
  [
    'an event nobody was answered',
    'complete',
    /of no command that was answered/,
    (run) => {
      run.events.push({ ...at(run.events, 4), seq: 6, id: 'e6', clock: '2000', causationid: 'other' });
    },
  ],
  [
    'events out of order',
    'ordered',
    /event 2 over HTTP has seq 3/,
    (run) => run.events.splice(1, 2, at(run.events, 2), at(run.events, 1)),
  ],
  ['a clock that stands still', 'ordered', /does not rise/, (run) => (at(run.events, 2).clock = at(run.events, 1).clock)],
  [
    'an ordinal that skips',
    'ordered',
    /ordinal is 7/,
    (run) => (at(run.events, 2).data = { ...at(run.events, 2).data, ordinal: 7 }),
  ],
  [
    'another text in the log',
    'complete',
    /event has another text/,
    (run) => (at(run.events, 4).data = { ...at(run.events, 4).data, text: 'kept as it is' }),
  ],
  ['another actor in the log', 'complete', /is by eve/, (run) => (at(run.events, 3).actor = 'eve')],
  ['another event id than was answered', 'complete', /was answered event e3/, (run) => (at(run.events, 2).id = 'e33')],
  ['a message on no page', 'complete', /is on no message page/, (run) => run.messages.pop()],
  ['a message on the pages twice', 'complete', /on the message pages 2 times/, (run) => run.messages.push(at(run.messages, 0))],
  ['another text on a page', 'complete', /page has another text/, (run) => (at(run.messages, 0).text = 'kept  as it is')],
  ['another author on a page', 'complete', /has the author eve/, (run) => (at(run.messages, 1).author = { id: 'eve' })],
  ['pages out of order', 'ordered', /not newest first/, (run) => (run.messages = run.messages.toReversed())],
  [
    'a message that was never sent',
    'complete',
    /was not sent by this run/,
    (run) => run.messages.push({ ...at(run.messages, 3), id: 'mx', seq: 1 }),
  ],
  [
    'a gap on one socket',
    'same',
    /socket of bo`b\[\] has a gap: 3 to 3/,
    (run) => (at(run.sockets, 1).seen = at(run.sockets, 1).seen.toSpliced(2, 1)),
  ],
  [
    'an event doubled on one socket',
    'same',
    /socket of ada got seq 2 after 2/,
    (run) => {
      at(run.sockets, 0).seen = at(run.sockets, 0).seen.toSpliced(2, 0, at(at(run.sockets, 0).seen, 1));
    },
  ],
  [
    'a socket that ends early',
    'same',
    /socket of ada ends at seq 4/,
    (run) => (at(run.sockets, 0).seen = at(run.sockets, 0).seen.slice(0, 4)),
  ],
  [
    'another value on one socket',
    'same',
    /got another seq 3 than HTTP has/,
    (run) => {
      at(run.sockets, 1).seen = at(run.sockets, 1).seen.map((each) =>
        each.seq === 3 ? { ...each, json: each.json.replace('hello', 'hullo') } : each,
      );
    },
  ],
  ['a status that stayed behind', 'persisted', /c3 \(seq 3\) is published/, (run) => (status(run, 'c3').status = 'published')],
  [
    'a dead letter',
    'persisted',
    /is failed: poison it broke/,
    (run) => {
      Object.assign(status(run, 'c4'), { status: 'failed', failure: { code: 'poison', detail: 'it broke' } });
    },
  ],
  [
    'a status that is gone',
    'persisted',
    /c5 \(seq 5\) has no status/,
    (run) => (run.statuses = new Map([...run.statuses].filter(([id]) => id !== 'c5'))),
  ],
  ['persisted without the time of publishing', 'persisted', /no time/, (run) => delete status(run, 'c2').publishedAt],
  [
    'times that go back',
    'persisted',
    /accepted, published and persisted at/,
    (run) => (status(run, 'c2').persistedAt = '2025-01-01T00:00:00.000Z'),
  ],
  ['one seq answered to two commands', 'ordered', /seq 3 was answered to two commands/, (run) => (at(run.accepted, 2).seq = 3)],
  [
    'a seq below one answered before',
    'ordered',
    /was sent after seq 9 was answered/,
    (run) => (at(run.accepted, 1).floorSeq = 9),
  ],
  [
    'one user out of order',
    'ordered',
    /the same user's message before it/,
    (run) => {
      [at(run.accepted, 0).index, at(run.accepted, 2).index] = [2, 0];
    },
  ],
  ['a message that was not accepted', 'complete', /4 messages were sent, 3 accepted/, (run) => run.accepted.pop()],
  [
    'a fault of a client',
    'complete',
    /the socket was closed with 4400/,
    (run) => run.faults.push('the socket was closed with 4400'),
  ],
  ['a head above the events', 'complete', /the head is 9, and 5 events/, (run) => (run.head = 9)],
];

describe('the checker of a replay', () => {
  it('finds nothing where nothing differs', () => {
    const verdict = check(cleanRun());
    expect(verdict.differences).toEqual([]);
    expect(isClean(verdict)).toBe(true);
  });

  it('takes the members of an event in any order for the same event', () => {
    const run = cleanRun();
    at(run.sockets, 0).seen = run.events.map((event) => ({
      seq: event.seq,
      json: JSON.stringify(Object.fromEntries(Object.entries(event).toReversed())),
    }));
    expect(isClean(check(run))).toBe(true);
  });

  it.each(planted)('sees that there is %s', (_name, aspect, line, plant) => {
    const run = cleanRun();
    plant(run);
    const verdict = check(run);
    expect(isClean(verdict)).toBe(false);
    expect(verdict.differences.filter((each) => each.aspect === aspect).map((each) => each.what)).toContainEqual(
      expect.stringMatching(line),
    );
  });

  it('counts all differences and keeps the first', () => {
    const run = cleanRun();
    run.faults = Array.from({ length: 5_000 }, (_, n) => `fault ${n}`);
    const verdict = check(run);
    expect(verdict.counts.complete).toBe(5_000);
    expect(verdict.differences.length).toBeLessThan(20);
    expect(verdict.differences[0]?.what).toBe('fault 0');
  });
});

function at<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`nothing at ${index}`);
  return item;
}

function status(run: SessionEvidence, commandId: string) {
  const found = run.statuses.get(commandId);
  if (found === undefined) throw new Error(`no status of ${commandId}`);
  return found;
}
