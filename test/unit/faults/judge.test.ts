import { describe, expect, it } from 'vitest';
import { type Fault, FAULTS, isClean, Judge } from '../../faults/judge.ts';
import { digest, type Line, type LoggedEvent, type SeenEvent } from '../../faults/ledger.ts';

const S = 'a-session';

function seen(seq: number, value = 'as it was'): SeenEvent {
  return [seq, `event-${seq}`, digest(`envelope ${seq}`), digest(value)];
}

function event(seq: number, more: Partial<LoggedEvent> = {}): LoggedEvent {
  const base = { seen: seen(seq), type: 'message.created', commandId: `command-${seq}`, entityId: `message-${seq}` };
  return { ...base, text: digest(`text ${seq}`), isErased: false, ...more };
}

/** One command that went as it should, with its seq in its key. */
function sent(seq: number): Line[] {
  const op = `op-${seq}`;
  return [
    { kind: 'attempt', op, session: S, user: 'ann', door: 'http', command: 'message.send', text: digest(`text ${seq}`) },
    {
      kind: 'accepted',
      op,
      replayed: false,
      commandId: `command-${seq}`,
      seq,
      eventId: `event-${seq}`,
      entityId: `message-${seq}`,
    },
    { kind: 'own-read', op, isSeen: true, found: '' },
    { kind: 'status', op, status: 'persisted' },
  ];
}

function pages(...seqs: number[]): Line {
  const messages = seqs.map((seq) => ({ id: `message-${seq}`, seq, text: digest(`text ${seq}`), isDeleted: false }));
  return { kind: 'messages', session: S, messages };
}

function log(...events: LoggedEvent[]): Line {
  return { kind: 'log', session: S, head: events.length, epoch: 'e', events };
}

const connecting = (after: number): Line => ({ kind: 'connecting', socket: 'ann', session: S, after });
const welcome = (from: number, recovered = true): Line => ({ kind: 'welcome', socket: 'ann', from, recovered, epoch: 'e' });
const frame = (...events: SeenEvent[]): Line => ({ kind: 'frame', socket: 'ann', events });

/** Two messages, seen by one socket over two connections. */
const CLEAN: readonly Line[] = [
  connecting(0),
  welcome(1),
  ...sent(1),
  frame(seen(1)),
  connecting(1),
  welcome(2),
  ...sent(2),
  frame(seen(2)),
  log(event(1), event(2)),
  pages(2, 1),
  { kind: 'read-model', name: 'history', session: S, checked: 4, missing: 0, extra: 0, different: 0, first: [] },
];

function judge(lines: readonly Line[]) {
  const judged = new Judge();
  for (const line of lines) judged.take(line);
  return judged.finish();
}

function replaced(change: (line: Line) => Line | Line[]): Line[] {
  return CLEAN.flatMap(change);
}

function without(kind: Line['kind'], at = 0): Line[] {
  const index = CLEAN.map((line, place) => ({ line, place })).filter(({ line }) => line.kind === kind)[at]?.place;
  return CLEAN.filter((_, place) => place !== index);
}

describe('the judge of a ledger', () => {
  it('finds nothing where nothing is wrong, and counts what happened', () => {
    const verdict = judge(CLEAN);
    expect(verdict.findings).toEqual([]);
    expect(isClean(verdict)).toBe(true);
    expect(verdict).toMatchObject({
      commands: 2,
      attempts: 2,
      events: 2,
      framesEvents: 2,
      resumes: 1,
      announcedGaps: 0,
      ownReads: 2,
    });
    expect(verdict.readModels).toEqual({ history: 4 });
  });

  it('counts a command without an answer apart, and as settled once a retry with its key is answered', () => {
    const lines = replaced((line) => {
      if (line.kind !== 'attempt' || line.op !== 'op-2') return line;
      return [line, { kind: 'unknown', op: 'op-2', why: 'reset' }, line];
    });
    expect(judge(lines)).toMatchObject({ attempts: 3, unknown: 1, settledByRetry: 1 });
    expect(isClean(judge(lines))).toBe(true);
  });

  const broken: readonly [name: string, fault: Fault, lines: Line[]][] = [
    ['a 202 without an event', 'lost', replaced((line) => (line.kind === 'log' ? log(event(1)) : line))],
    [
      'a 202 that is not persisted',
      'lost',
      replaced((line) => (line.kind === 'status' ? { ...line, status: 'published' } : line)),
    ],
    ['a 202 whose status is gone', 'lost', without('status')],
    ['a message that is on no page', 'lost', replaced((line) => (line.kind === 'messages' ? pages(2) : line))],
    ['an event that a socket never got', 'lost', without('frame', 1)],
    ['a log that nobody read', 'lost', without('log')],
    ['a head beyond the events', 'lost', replaced((line) => (line.kind === 'log' ? { ...line, head: 3 } : line))],
    [
      'a command with two events',
      'doubled',
      replaced((line) => (line.kind === 'log' ? log(event(1), event(2), event(3, { commandId: 'command-2' })) : line)),
    ],
    ['an event of nobody', 'doubled', replaced((line) => (line.kind === 'log' ? log(event(1), event(2), event(3)) : line))],
    ['a message twice on the pages', 'doubled', replaced((line) => (line.kind === 'messages' ? pages(2, 1, 1) : line))],
    [
      'a retry that was answered with another seq',
      'doubled',
      replaced((line) => (line.kind === 'accepted' && line.seq === 1 ? [line, { ...line, seq: 2 }] : line)),
    ],
    [
      'a frame that came again',
      'doubled',
      replaced((line) => (line.kind === 'frame' && line.events[0]?.[0] === 2 ? [line, line] : line)),
    ],
    [
      'a hole in the log',
      'gaps',
      replaced((line) => (line.kind === 'log' ? log(event(1), event(3, { commandId: 'command-2' })) : line)),
    ],
    [
      'a resume that begins too late',
      'silentGaps',
      replaced((line) => (line.kind === 'welcome' && line.from === 2 ? welcome(3) : line)),
    ],
    [
      'a hole within a connection',
      'silentGaps',
      replaced((line) => (line.kind === 'frame' && line.events[0]?.[0] === 2 ? frame(seen(3)) : line)),
    ],
    ['a socket that gave up', 'silentGaps', [...CLEAN, { kind: 'socket-fault', socket: 'ann', why: 'closed with 4400' }]],
    [
      'another value on a socket',
      'different',
      replaced((line) => (line.kind === 'frame' && line.events[0]?.[0] === 2 ? frame(seen(2, 'another')) : line)),
    ],
    [
      'another text than was sent',
      'different',
      replaced((line) => (line.kind === 'log' ? log(event(1, { text: digest('no') }), event(2)) : line)),
    ],
    [
      'a seq below one that was answered before it was sent',
      'different',
      replaced((line) => (line.kind === 'accepted' && line.seq === 2 ? { ...line, seq: 1 } : line)),
    ],
    [
      'another epoch',
      'different',
      replaced((line) => (line.kind === 'welcome' && line.from === 2 ? { ...line, epoch: 'f' } : line)),
    ],
    ['a refusal', 'refused', [...CLEAN, { kind: 'refused', op: 'op-1', why: '404' }]],
    ['a command that was never answered', 'unsettled', without('accepted')],
    [
      'an own write that is not seen',
      'unseen',
      replaced((line) => (line.kind === 'own-read' ? { ...line, isSeen: false } : line)),
    ],
    ['a dead letter of an event', 'buried', [...CLEAN, { kind: 'letter', consumer: 'search', payload: '{"id":"event-1"}' }]],
    [
      'a read model that lacks a row',
      'readModels',
      replaced((line) => (line.kind === 'read-model' ? { ...line, missing: 1, first: ['seq 2 is missing'] } : line)),
    ],
  ];

  it.each(broken)('finds %s: %s', (_, fault, lines) => {
    const verdict = judge(lines);
    expect(verdict.counts[fault]).toBeGreaterThan(0);
    expect(verdict.findings.some((finding) => finding.startsWith(`${fault}: `))).toBe(true);
    expect(isClean(verdict)).toBe(false);
  });

  it('has an example of everything that it looks for', () => {
    expect(new Set(broken.map(([, fault]) => fault))).toEqual(new Set(FAULTS));
  });

  it('takes a dead letter of poison for what it is', () => {
    const lines: Line[] = [...CLEAN, { kind: 'poison', payload: '{' }, { kind: 'letter', consumer: 'search', payload: '{' }];
    expect(judge(lines)).toMatchObject({ letters: 1, findings: [] });
  });

  it('takes an announced gap, read over HTTP, for none', () => {
    const lines = replaced((line) => {
      if (line.kind === 'welcome' && line.from === 2) return welcome(3, false);
      if (line.kind === 'frame' && line.events[0]?.[0] === 2) return { kind: 'refill', socket: 'ann', events: [seen(2)] };
      return line;
    });
    expect(judge(lines)).toMatchObject({ announcedGaps: 1, findings: [] });
  });

  it('lets the data of an erased event differ, and nothing else of it', () => {
    const erased = event(2, { seen: seen(2, 'erased'), isErased: true });
    const deletion = event(3, { type: 'message.deleted', entityId: 'message-2' });
    const deleted: Line = {
      kind: 'messages',
      session: S,
      messages: [
        { id: 'message-2', seq: 2, text: digest(''), isDeleted: true },
        { id: 'message-1', seq: 1, text: digest('text 1'), isDeleted: false },
      ],
    };
    const lines = replaced((line) => {
      if (line.kind === 'log') return [...sent(3), frame(seen(3)), log(event(1), erased, deletion)];
      return line.kind === 'messages' ? deleted : line;
    });
    const { findings } = judge(lines);
    // the made-up third command says it sent a message
    expect(findings.filter((finding) => !finding.includes('op-3'))).toEqual([]);
    const torn = lines.map((line) =>
      line.kind === 'frame' && line.events[0]?.[0] === 2 ? frame([2, 'event-2', digest('another'), digest('as it was')]) : line,
    );
    expect(judge(torn).counts.different).toBeGreaterThan(judge(lines).counts.different);
  });
});
