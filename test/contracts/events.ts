import fc from 'fast-check';
import type { EventDataByType, Event, EventType, WholeEvent, WholeEventOf } from '../../shared/core/types.ts';

/** Events for tests: whole and valid, with whatever a test wants else. */

export const CLOCK_BASE = 1_700_000_000_000_000n;
const CREATED_AT = '2026-01-02T03:04:05.006Z';

export const DATA_OF: { [T in EventType]: EventDataByType[T] } = {
  'session.created': {
    title: 'Kitchen',
    description: '',
    visibility: 'private',
    metadata: {},
    members: [{ userId: 'alice', role: 'owner' }],
  },
  'session.updated': { title: 'Cellar', description: 'cool', visibility: 'private', metadata: { a: 1 } },
  'session.archived': {},
  'session.restored': {},
  'session.deleted': {},
  'member.added': { userId: 'bob', role: 'member' },
  'member.updated': { userId: 'bob', role: 'viewer' },
  'member.removed': { userId: 'bob', role: 'viewer' },
  'message.created': {
    id: 'm1',
    ordinal: 1,
    text: 'hello',
    status: 'completed',
    role: 'user',
    mentions: ['bob'],
    metadata: { k: 'v' },
    createdAt: CREATED_AT,
  },
  'message.updated': {
    id: 'm1',
    messageSeq: 1,
    author: 'alice',
    role: 'user',
    mentions: ['bob'],
    createdAt: CREATED_AT,
    text: 'hello again',
  },
  'message.deleted': { id: 'm1', messageSeq: 1, author: 'alice', role: 'user', mentions: ['bob'], createdAt: CREATED_AT },
};

export interface Wishes<T extends EventType> {
  seq: number;
  data?: Partial<EventDataByType[T]>;
  tenant?: string;
  sessionId?: string;
}

export function anEvent<T extends EventType>(
  type: T,
  { seq, data, tenant = 'default', sessionId = 's1' }: Wishes<T>,
): WholeEventOf<T> {
  const whole = { ...DATA_OF[type], ...data };
  const { id, userId } = whole as { id?: string; userId?: string };
  const event = {
    specversion: '1.0',
    id: `event-${sessionId}-${seq}`,
    source: `/sessions/${sessionId}`,
    type,
    subject: id ?? userId ?? sessionId,
    time: new Date(Date.parse(CREATED_AT) + seq).toISOString(),
    datacontenttype: 'application/json',
    dataschema: `http://localhost:8787/schemas/${type}/1`,
    tenant,
    sessionid: sessionId,
    seq,
    clock: (CLOCK_BASE + BigInt(seq)).toString(),
    actor: 'alice',
    actorkind: 'user',
    correlationid: 'correlation-1',
    causationid: `command-${seq}`,
    data: whole,
  };
  return event as unknown as WholeEventOf<T>;
}

type Step = { kind: 'send' | 'edit' | 'delete' | 'join' | 'leave' | 'rename' | 'erased'; pick: number; text: string };

/** A session's events, seq 1 to the last: what a Session might have said, deletions and their covered seqs right. */
export function conversation(): fc.Arbitrary<Event[]> {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('send', 'send', 'send', 'edit', 'edit', 'delete', 'join', 'leave', 'rename', 'erased'),
    pick: fc.nat({ max: 1_000 }),
    text: fc.string({ minLength: 1, maxLength: 12 }),
  });
  return fc
    .tuple(fc.array(step, { minLength: 1, maxLength: 30 }), fc.boolean())
    .map(([steps, deleted]) => eventsOf(steps, deleted));
}

function eventsOf(steps: readonly Step[], deleted: boolean): Event[] {
  const events: Event[] = [anEvent('session.created', { seq: 1 })];
  const live = new Map<string, { messageSeq: number; updatedSeqs: number[] }>();
  let ordinal = 0;
  for (const { kind, pick, text } of steps) {
    const seq = events.length + 1;
    const [id, message] = [...live][pick % Math.max(1, live.size)] ?? [];
    if (kind === 'join') events.push(anEvent('member.added', { seq, data: { userId: `u${pick % 3}` } }));
    else if (kind === 'leave') events.push(anEvent('member.removed', { seq, data: { userId: `u${pick % 3}` } }));
    else if (kind === 'rename') events.push(anEvent('session.updated', { seq, data: { title: text } }));
    else if (kind === 'edit' && id !== undefined && message !== undefined) {
      events.push(anEvent('message.updated', { seq, data: { id, messageSeq: message.messageSeq, text } }));
      message.updatedSeqs.push(seq);
    } else if (kind === 'delete' && id !== undefined && message !== undefined) {
      events.push(anEvent('message.deleted', { seq, data: { id, ...message } }));
      live.delete(id);
    } else {
      ordinal += 1;
      const created: WholeEvent = anEvent('message.created', { seq, data: { id: `m${ordinal}`, ordinal, text } });
      if (kind === 'erased') events.push({ ...created, data: { id: created.subject, erased: true } });
      else {
        events.push(created);
        live.set(`m${ordinal}`, { messageSeq: seq, updatedSeqs: [] });
      }
    }
  }
  if (deleted) events.push(anEvent('session.deleted', { seq: events.length + 1 }));
  return events;
}
