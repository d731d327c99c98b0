import fc from 'fast-check';
import { apply } from '../../../../shared/core/apply.ts';
import { applyNote } from '../../../../shared/core/apply-note.ts';
import { decide } from '../../../../shared/core/decide.ts';
import type { Decision } from '../../../../shared/core/decision.ts';
import { eraseEvent, stampEvent } from '../../../../shared/core/event.ts';
import { MemoryState } from '../../../../shared/core/memory-state.ts';
import type { Actor, Command, Event, WholeEvent } from '../../../../shared/core/types.ts';

/** A session as a Session object keeps one, in memory: the state, and the log with its erasures. */
export interface Simulation {
  state: MemoryState;
  /** every event as it was accepted */
  whole: WholeEvent[];
  /** as anyone reads it now: erased where it was erased */
  log: Event[];
  ids: number;
}

export interface Step {
  actor: Actor;
  command: Command;
  nowMs: number;
}

export const ACTORS: readonly Actor[] = [
  { id: 'ann', kind: 'user', name: 'Ann' },
  { id: 'ben', kind: 'user' },
  { id: 'cleo', kind: 'agent', name: 'Cleo' },
  { id: 'dan', kind: 'user', service: true },
  { id: 'eve', kind: 'system' },
];

export const newSimulation = (): Simulation => ({ state: new MemoryState(), whole: [], log: [], ids: 0 });

/** Decides one command, and applies and logs what comes of it. */
export function play(simulation: Simulation, { actor, command, nowMs }: Step): Decision {
  const { state } = simulation;
  let { ids } = simulation;
  const newId = (): string => `made-${(ids += 1)}`;
  const decision = decide(state, command, { sessionId: 's', actor, nowMs, newId });
  // read pointers are no part of what the log gives back: these properties are about that
  if (decision.kind === 'noted' && decision.note.kind !== 'read') applyNote(state, decision.note);
  if (decision.kind === 'noted') simulation.ids = ids;
  if (decision.kind !== 'accepted') return decision;
  simulation.ids = ids;
  const event = stampEvent(state, decision.event, {
    eventId: `event-${state.head() + 1}`,
    tenant: 'default',
    sessionId: 's',
    publicUrl: 'http://localhost',
    nowMs,
    actor: decision.author ?? actor,
    correlationId: 'correlation',
    commandId: 'command',
  });
  apply(state, event);
  simulation.whole.push(event);
  simulation.log.push(event);
  simulation.log = simulation.log.map((each) => (state.erased.has(each.seq) ? eraseEvent(each) : each));
  return decision;
}

/** Everything that a state has from its log, as a value to compare. */
export function snapshot(state: MemoryState): unknown {
  return structuredClone({
    session: state.session(),
    head: state.head(),
    clock: state.clock(),
    ordinal: state.lastOrdinal(),
    members: [...state.members.values()],
    messages: [...state.messages.values()],
    reactions: [...state.reactions.values()].map((each) => [...each.values()]),
    traces: [...state.traces.values()],
    spans: [...state.spans.values()].map((each) => [...each.values()]),
    erased: [...state.erased].toSorted((a, b) => a - b),
  });
}

/** Few ids, so that commands meet; a secret in every text, so that an erasure can be looked for. */
const chosenId = fc.constantFrom('m1', 'm2', 'm3', 'm4');
/** made ones too, which nobody chooses beforehand: they are random */
const messageId = fc.oneof(chosenId, fc.constantFrom('made-1', 'made-2', 'made-3'));
const userId = fc.constantFrom(...ACTORS.map(({ id }) => id));
const role = fc.constantFrom('owner' as const, 'member' as const, 'viewer' as const);
const text = fc.nat(1_000_000).map((secret) => `secret-${secret}!`);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined, freq: 2 });

/** Leaves out what is undefined: the schemas of the doors do the same. */
function dataOf<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]: Exclude<T[K], undefined> };
}

const send = fc
  .record({
    text,
    id: maybe(chosenId),
    parentId: maybe(messageId),
    role: maybe(fc.constantFrom('user' as const, 'tool' as const)),
    mentions: maybe(fc.array(userId, { maxLength: 3 })),
  })
  .map((fields): Command => ({ name: 'message.send', data: dataOf(fields) }));

const update = fc
  .record({ title: maybe(fc.constantFrom('A', 'B')), description: maybe(text), metadata: maybe(fc.constantFrom({}, { a: 1 })) })
  .map((fields): Command => ({ name: 'session.update', data: dataOf(fields) }));

const create = fc
  .record({
    title: fc.constantFrom('A', 'B'),
    visibility: maybe(fc.constantFrom('private' as const, 'public' as const)),
    members: maybe(fc.uniqueArray(fc.record({ userId, role }), { selector: (each) => each.userId })),
  })
  .map((fields): Command => ({ name: 'session.create', data: dataOf(fields) }));

const chosenTrace = fc.constantFrom('t1', 't2', 't3');
const traceId = fc.oneof(chosenTrace, fc.constantFrom('made-1', 'made-2'));
const emoji = fc.constantFrom('👍', '👍', ':ship:');
const time = fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-01T00:00:01+01:00', '2026-01-02T00:00:00.5Z');
const appendSpan = fc
  .record({
    traceId,
    spanId: fc.constantFrom('a', 'b', 'c'),
    parentSpanId: maybe(fc.constantFrom('a', 'z')),
    name: text,
    startedAt: time,
    endedAt: maybe(time),
    input: maybe(text),
    output: maybe(fc.record({ text })),
  })
  .map((fields): Command => ({ name: 'trace.append', data: dataOf(fields) }));
const finishTrace = fc
  .record({ traceId, status: fc.constantFrom('completed' as const, 'failed' as const), error: maybe(text) })
  .map((fields): Command => ({ name: 'trace.finish', data: dataOf(fields) }));
const startTrace = fc
  .record({ id: maybe(chosenTrace), name: text, metadata: maybe(fc.record({ text })) })
  .map((fields): Command => ({ name: 'trace.start', data: dataOf(fields) }));
const reaction = fc.record({ messageId: fc.constantFrom('m1', 'm1', 'made-1'), emoji });
const start = fc
  .record({
    messageId: maybe(chosenId),
    parentId: maybe(messageId),
    role: maybe(fc.constantFrom('user' as const, 'tool' as const)),
  })
  .map((fields): Command => ({ name: 'stream.start', data: dataOf(fields) }));
const append = fc
  .record({ messageId, index: fc.constantFrom(0, 0, 1, 2), text: fc.constantFrom('a', 'a', 'secret-a!') })
  .map((data): Command => ({ name: 'stream.append', data }));
const finish = fc
  .record({ messageId, status: fc.constantFrom('completed' as const, 'failed' as const), text: maybe(text) })
  .map((fields): Command => ({ name: 'stream.finish', data: dataOf(fields) }));
const cancel = messageId.map((id): Command => ({ name: 'stream.cancel', data: { messageId: id } }));

const plain = (name: 'session.archive' | 'session.restore' | 'session.delete'): fc.Arbitrary<Command> =>
  fc.constant({ name, data: {} });

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 12, arbitrary: send },
  { weight: 6, arbitrary: fc.record({ messageId, text }).map((data): Command => ({ name: 'message.edit', data })) },
  { weight: 4, arbitrary: messageId.map((id): Command => ({ name: 'message.delete', data: { messageId: id } })) },
  { weight: 6, arbitrary: fc.record({ userId, role }).map((data): Command => ({ name: 'member.put', data })) },
  { weight: 4, arbitrary: userId.map((id): Command => ({ name: 'member.remove', data: { userId: id } })) },
  { weight: 3, arbitrary: update },
  { weight: 1, arbitrary: create },
  { weight: 1, arbitrary: plain('session.archive') },
  { weight: 2, arbitrary: plain('session.restore') },
  { weight: 6, arbitrary: reaction.map((data): Command => ({ name: 'reaction.add', data })) },
  { weight: 6, arbitrary: reaction.map((data): Command => ({ name: 'reaction.remove', data })) },
  { weight: 5, arbitrary: startTrace },
  { weight: 10, arbitrary: appendSpan },
  { weight: 2, arbitrary: finishTrace },
  { weight: 3, arbitrary: traceId.map((id): Command => ({ name: 'trace.purge', data: { traceId: id } })) },
  { weight: 6, arbitrary: start },
  { weight: 6, arbitrary: append },
  { weight: 3, arbitrary: finish },
  { weight: 2, arbitrary: cancel },
  { weight: 2, arbitrary: fc.nat(40).map((seq): Command => ({ name: 'read.advance', data: { seq } })) },
);

/** Time goes forward, stands still and goes back. */
const nowMs = fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_050 });
const actor = fc.oneof(
  { weight: 3, arbitrary: fc.constant(ACTORS[0] as Actor) },
  { weight: 4, arbitrary: fc.constantFrom(...ACTORS) },
);
const step = fc.record({ actor, command, nowMs });
/** mostly who acts most: strangers to a private session reach little of it */
const creator = fc.oneof(
  { weight: 4, arbitrary: fc.constant(ACTORS[0] as Actor) },
  { weight: 1, arbitrary: fc.constantFrom(...ACTORS) },
);
const first = fc.record({ actor: creator, command: create, nowMs });
const deletion = fc.record({ actor: fc.constantFrom(...ACTORS), command: plain('session.delete'), nowMs });

/** Each command of the catalogue in an order in which the owner's is accepted: luck reaches some of them too seldom. */
const COMMANDS_IN_TURN: readonly Command[] = [
  { name: 'session.update', data: { title: 'B', description: 'secret-1!' } },
  { name: 'member.put', data: { userId: 'cleo', role: 'member' } },
  { name: 'message.send', data: { id: 'm1', text: 'secret-2!' } },
  { name: 'message.edit', data: { messageId: 'm1', text: 'secret-3!' } },
  { name: 'reaction.add', data: { messageId: 'm1', emoji: '👍' } },
  { name: 'reaction.remove', data: { messageId: 'm1', emoji: '👍' } },
  { name: 'read.advance', data: { seq: 1 } },
  { name: 'stream.start', data: { messageId: 'm2', parentId: 'm1' } },
  { name: 'stream.append', data: { messageId: 'm2', index: 0, text: 'secret-4!' } },
  { name: 'stream.finish', data: { messageId: 'm2', status: 'completed' } },
  { name: 'stream.start', data: { messageId: 'm3' } },
  { name: 'stream.cancel', data: { messageId: 'm3' } },
  { name: 'trace.start', data: { id: 't1', name: 'secret-5!' } },
  { name: 'trace.append', data: { traceId: 't1', spanId: 'a', name: 'secret-6!', startedAt: '2026-01-01T00:00:00Z' } },
  { name: 'trace.finish', data: { traceId: 't1', status: 'completed' } },
  { name: 'trace.purge', data: { traceId: 't1' } },
  { name: 'message.delete', data: { messageId: 'm1' } },
  { name: 'member.remove', data: { userId: 'cleo' } },
  { name: 'session.archive', data: {} },
  { name: 'session.restore', data: {} },
];

const [OWNER, STRANGER] = ACTORS as readonly [Actor, Actor];
const atStart = (by: Actor, each: Command): Step => ({ actor: by, command: each, nowMs: 1_700_000_000_000 });
const createPrivate: Command = { name: 'session.create', data: { title: 'A' } };
const tour: readonly Step[] = [
  atStart(OWNER, createPrivate),
  ...[createPrivate, ...COMMANDS_IN_TURN].flatMap((each) => [atStart(STRANGER, each), atStart(OWNER, each)]),
];
const deleted: Command = { name: 'session.delete', data: {} };

/** Every command of the catalogue, refused to a stranger and then accepted. */
export const EVERY_COMMAND: readonly Step[] = [...tour, atStart(STRANGER, deleted), atStart(OWNER, deleted)];

/** Several actors at one session: it begins with its creation, and may be deleted late, after which more may be tried. */
export const steps: fc.Arbitrary<Step[]> = fc
  .tuple(
    fc.oneof(
      { weight: 4, arbitrary: first.map((begin): readonly Step[] => [begin]) },
      // and some go on from where everything was done once
      { weight: 1, arbitrary: fc.constant(tour) },
    ),
    fc.array(step, { maxLength: 60, size: 'max' }),
    fc.array(deletion, { maxLength: 1 }),
    fc.array(step, { maxLength: 6, size: 'max' }),
  )
  .map(([begin, middle, end, after]) => [...begin, ...middle, ...end, ...after]);
