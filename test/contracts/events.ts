import fc from 'fast-check';
import type { EventDataByType, Event, EventType, WholeEvent, WholeEventOf } from '../../shared/core/types.ts';
import { shuffled } from '../support/shuffled.ts';

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
  'reaction.added': { messageId: 'm1', messageSeq: 1, emoji: '👍', userId: 'bob' },
  'reaction.removed': { messageId: 'm1', messageSeq: 1, emoji: '👍', userId: 'bob' },
  'trace.started': { id: 't1', name: 'plan', metadata: { k: 'v' } },
  'trace.span': {
    traceId: 't1',
    traceSeq: 1,
    span: { spanId: 'a', name: 'search', kind: 'tool', startedAt: CREATED_AT, input: { q: 1 } },
  },
  'trace.finished': { id: 't1', traceSeq: 1, status: 'completed', durationMs: 5 },
  'trace.purged': { id: 't1', traceSeq: 1 },
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
  const { id, messageId, traceId, userId } = whole as Partial<Record<'id' | 'messageId' | 'traceId' | 'userId', string>>;
  const event = {
    specversion: '1.0',
    id: `event-${sessionId}-${seq}`,
    source: `/sessions/${sessionId}`,
    type,
    subject: id ?? messageId ?? traceId ?? userId ?? sessionId,
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

const KINDS = [
  'send',
  'edit',
  'delete',
  'join',
  'leave',
  'rename',
  'erased',
  'react',
  'start',
  'span',
  'finish',
  'purge',
] as const;
const LIKELY = ['send', 'send', 'edit', 'span', 'span', 'span'] as const;
type Step = { kind: (typeof KINDS)[number]; pick: number; text: string };

/** A session's events, seq 1 to the last: what a Session might have said, deletions, purges and their covered seqs right. */
export function conversation(): fc.Arbitrary<Event[]> {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom(...KINDS, ...LIKELY),
    pick: fc.nat({ max: 1_000 }),
    text: fc.string({ minLength: 1, maxLength: 12 }),
  });
  return fc
    .tuple(fc.array(step, { minLength: 1, maxLength: 40 }), fc.boolean())
    .map(([steps, deleted]) => new Conversation().play(steps, deleted));
}

interface LiveTrace {
  traceSeq: number;
  finishedSeq?: number;
  /** first seq by span id */
  spans: Map<string, number>;
  updatedSeqs: number[];
}

class Conversation {
  readonly #events: Event[] = [anEvent('session.created', { seq: 1 })];
  readonly #messages = new Map<string, { messageSeq: number; updatedSeqs: number[] }>();
  readonly #traces = new Map<string, LiveTrace>();
  #ordinal = 0;
  #started = 0;

  play(steps: readonly Step[], deleted: boolean): Event[] {
    for (const step of steps) {
      if (!this.#ofSession(step) && !this.#ofTrace(step)) this.#ofMessage(step);
    }
    if (deleted) this.#events.push(anEvent('session.deleted', { seq: this.#seq }));
    return this.#events;
  }

  get #seq(): number {
    return this.#events.length + 1;
  }

  #ofSession({ kind, pick, text }: Step): boolean {
    const data = { userId: `u${pick % 3}` };
    if (kind === 'join') this.#events.push(anEvent('member.added', { seq: this.#seq, data }));
    else if (kind === 'leave') this.#events.push(anEvent('member.removed', { seq: this.#seq, data }));
    else if (kind === 'rename') this.#events.push(anEvent('session.updated', { seq: this.#seq, data: { title: text } }));
    return ['join', 'leave', 'rename'].includes(kind);
  }

  #ofTrace({ kind, pick, text }: Step): boolean {
    if (kind === 'start') {
      const id = `t${(this.#started += 1)}`;
      this.#traces.set(id, { traceSeq: this.#seq, spans: new Map(), updatedSeqs: [] });
      this.#events.push(anEvent('trace.started', { seq: this.#seq, data: { id, name: text } }));
      return true;
    }
    const [id, trace] = pickOf(this.#traces, pick);
    if (id === undefined || trace === undefined) return ['span', 'finish', 'purge'].includes(kind);
    const { traceSeq, finishedSeq, updatedSeqs } = trace;
    if (kind === 'span') this.#span(id, trace, pick, text);
    else if (kind === 'finish' && finishedSeq === undefined) {
      trace.finishedSeq = this.#seq;
      this.#events.push(anEvent('trace.finished', { seq: this.#seq, data: { id, traceSeq, error: text } }));
    } else if (kind === 'purge') {
      const spanSeqs = [...trace.spans.values()];
      const data = { id, traceSeq, spanSeqs, updatedSeqs, ...(finishedSeq === undefined ? {} : { finishedSeq }) };
      this.#events.push(anEvent('trace.purged', { seq: this.#seq, data }));
      this.#traces.delete(id);
    }
    return ['span', 'finish', 'purge'].includes(kind);
  }

  #span(traceId: string, trace: LiveTrace, pick: number, text: string): void {
    const spanId = `span-${pick % 3}`;
    const spanSeq = trace.spans.get(spanId);
    if (spanSeq === undefined) trace.spans.set(spanId, this.#seq);
    else trace.updatedSeqs.push(this.#seq);
    const part = pick % 2 === 0 ? { input: text } : { output: { text }, endedAt: CREATED_AT, status: text };
    const span = { spanId, name: text, startedAt: CREATED_AT, ...part };
    const data = { traceId, traceSeq: trace.traceSeq, span, ...(spanSeq === undefined ? {} : { spanSeq }) };
    this.#events.push(anEvent('trace.span', { seq: this.#seq, data }));
  }

  #ofMessage({ kind, pick, text }: Step): void {
    const [id, message] = pickOf(this.#messages, pick);
    if (id === undefined || message === undefined || kind === 'send' || kind === 'erased') return this.#send(kind, text);
    const { messageSeq } = message;
    if (kind === 'edit') {
      message.updatedSeqs.push(this.#seq);
      this.#events.push(anEvent('message.updated', { seq: this.#seq, data: { id, messageSeq, text } }));
    } else if (kind === 'delete') {
      this.#events.push(anEvent('message.deleted', { seq: this.#seq, data: { id, ...message } }));
      this.#messages.delete(id);
    } else {
      const type = pick % 3 === 0 ? 'reaction.removed' : 'reaction.added';
      const data = { messageId: id, messageSeq, userId: `u${pick % 2}` };
      this.#events.push(anEvent(type, { seq: this.#seq, data }));
    }
  }

  #send(kind: Step['kind'], text: string): void {
    const ordinal = (this.#ordinal += 1);
    const id = `m${ordinal}`;
    const created: WholeEvent = anEvent('message.created', { seq: this.#seq, data: { id, ordinal, text } });
    if (kind !== 'erased') this.#messages.set(id, { messageSeq: this.#seq, updatedSeqs: [] });
    this.#events.push(kind === 'erased' ? { ...created, data: { id: created.subject, erased: true } } : created);
  }
}

function pickOf<T>(from: ReadonlyMap<string, T>, pick: number): [string, T] | [undefined, undefined] {
  return [...from][pick % Math.max(1, from.size)] ?? [undefined, undefined];
}

/** Cuts the events into batches, in an order and with repetitions that the numbers decide. */
export function shuffledAndRepeated(events: readonly Event[], luck: readonly number[]): Event[][] {
  const many = [...events, ...events.filter((_event, index) => (luck[index] ?? 0) % 3 === 0)];
  let drawn = 0;
  const mixed = shuffled(many, () => luck[(drawn++ * 7) % luck.length] ?? 0);
  const batches: Event[][] = [];
  for (let start = 0; start < mixed.length;) {
    const size = 1 + ((luck[start % luck.length] ?? 0) % 5);
    const batch = mixed.slice(start, start + size);
    batches.push(batch, ...(size === 3 ? [batch] : []));
    start += size;
  }
  return batches;
}
