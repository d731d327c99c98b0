import { apply } from '../../../../shared/core/apply.ts';
import type { Accepted, MessageAnswer, SessionAnswer } from '../../../../shared/contract/answers.ts';
import { parseCommand } from '../../../../shared/contract/catalogue.ts';
import { problemOf } from '../../../../shared/contract/problem.ts';
import { rfc3339 } from '../../../../shared/core/clock.ts';
import { refusal, type Refusal } from '../../../../shared/core/codes.ts';
import { decide } from '../../../../shared/core/decide.ts';
import { eraseEvent, stampEvent } from '../../../../shared/core/event.ts';
import { MemoryState } from '../../../../shared/core/memory-state.ts';
import { readAccess } from '../../../../shared/core/rights.ts';
import { canonicalJson } from '../../../../shared/core/text.ts';
import type { Actor, Event } from '../../../../shared/core/types.ts';

/** Small numbers, so that a short run meets every bound of contract §4. */
export const TAIL_EVENTS = 12;
export const PAGE_EVENTS = 7;
export const PAGE_MESSAGES = 5;

export interface Answer {
  status: number;
  body: unknown;
  headers: Record<string, string>;
}

export type Executed = { ok: true; accepted: Accepted; replayed: boolean } | { ok: false; refusal: Refusal };

/** One session, as contract §1 and §2 have it, on the shared core. It knows nothing of connections. */
export class ModelSession {
  readonly id: string;
  readonly state = new MemoryState();
  readonly log: Event[] = [];
  epoch = 'epoch-1';
  /** a command that took effect twice would be here twice */
  readonly effects: string[] = [];
  readonly #keys = new Map<string, { print: string; accepted: Accepted }>();
  readonly #replies = new Map<string, number>();
  readonly #nowMs: () => number;
  readonly #onEvent: () => void;
  readonly #onRead: (userId: string, seq: number) => void;
  #ids = 0;

  constructor(id: string, nowMs: () => number, onEvent: () => void, onRead: (userId: string, seq: number) => void) {
    this.id = id;
    this.#nowMs = nowMs;
    this.#onEvent = onEvent;
    this.#onRead = onRead;
  }

  get head(): number {
    return this.state.head();
  }

  execute(actor: Actor, name: string, data: unknown, key: string | undefined): Executed {
    const parsed = parseCommand(name, data);
    if (!parsed.ok) return parsed;
    const print = canonicalJson([name, parsed.value.data]);
    const known = key === undefined ? undefined : this.#keys.get(`${actor.id} ${key}`);
    if (known !== undefined) {
      if (known.print !== print) return { ok: false, refusal: refusal('idempotency_key_reused', 'Used for another request.') };
      return { ok: true, accepted: known.accepted, replayed: true };
    }
    const nowMs = this.#nowMs();
    const newId = (): string => `made-${(this.#ids += 1)}`;
    const decision = decide(this.state, parsed.value, { sessionId: this.id, actor, nowMs, newId });
    if (decision.kind === 'refused') return { ok: false, refusal: decision.refusal };
    let event: Event | undefined;
    if (decision.kind === 'noted' && decision.note.kind === 'read') {
      const { userId, seq } = decision.note;
      const member = this.state.member(userId);
      if (member !== undefined) this.state.putMember({ ...member, readSeq: seq });
      this.#onRead(userId, seq);
    }
    if (decision.kind === 'accepted') {
      event = stampEvent(this.state, decision.event, {
        eventId: `event-${this.head + 1}`,
        tenant: 'default',
        sessionId: this.id,
        publicUrl: 'http://localhost',
        nowMs,
        actor,
        correlationId: 'correlation',
        commandId: `command-${this.head + 1}`,
      });
      this.#append(event);
      this.effects.push(`${actor.id} ${key ?? ''}`);
    }
    const accepted: Accepted = {
      commandId: event?.causationid ?? newId(),
      sessionId: this.id,
      seq: this.head,
      eventId: event?.id ?? null,
      entityId: decision.entityId,
      correlationId: 'correlation',
      acceptedAt: rfc3339(nowMs),
      ...(decision.kind === 'unchanged' ? { unchanged: true as const } : {}),
    };
    if (key !== undefined) this.#keys.set(`${actor.id} ${key}`, { print, accepted });
    return { ok: true, accepted, replayed: false };
  }

  /** GET under /v1/sessions/{s} */
  query(actor: Actor, path: string, params: URLSearchParams): Answer {
    const found = readAccess(this.state, actor.id);
    if (!found.ok) return problem(found.refusal);
    if (path === '') return ok(this.#describe(actor));
    if (path === '/members') return ok({ items: this.#members() });
    if (path === '/events') return this.#events(params);
    if (path === '/messages') return this.#messages(actor, params);
    const [, messageId] = /^\/messages\/([^/]+)$/.exec(path) ?? [];
    if (messageId === undefined || this.state.message(messageId) === undefined) {
      return problem(refusal('message_not_found', 'There is no such message.'));
    }
    return ok(this.#answer(messageId, actor));
  }

  /** Every message as GET answers it to somebody, oldest first. */
  messages(actor: Actor = { id: '', kind: 'user' }): MessageAnswer[] {
    return [...this.state.messages.keys()].map((id) => this.#answer(id, actor));
  }

  replies(id: string): number {
    return this.#replies.get(id) ?? 0;
  }

  /** the first seq that a socket can still be sent */
  get floor(): number {
    return Math.max(1, this.head - TAIL_EVENTS + 1);
  }

  #append(event: Event): void {
    apply(this.state, event);
    if (event.type === 'message.created' && 'parentId' in event.data && event.data.parentId !== undefined) {
      this.#replies.set(event.data.parentId, (this.#replies.get(event.data.parentId) ?? 0) + 1);
    }
    this.log.push(event);
    for (const seq of this.state.erased) {
      const index = seq - 1;
      const each = this.log[index];
      if (each !== undefined && !('erased' in each.data)) this.log[index] = eraseEvent(each) as Event;
    }
    this.#onEvent();
  }

  #describe(actor: Actor): SessionAnswer {
    const session = this.state.session();
    if (session === undefined) throw new Error('asked without rights');
    const role = this.state.member(actor.id)?.role;
    return {
      id: this.id,
      title: session.title,
      description: session.description,
      visibility: session.visibility,
      status: session.status === 'archived' ? 'archived' : 'active',
      ...(role === undefined ? {} : { role }),
      memberCount: this.state.activeMembers(),
      head: this.head,
      epoch: this.epoch,
      createdAt: rfc3339(session.createdAt),
      updatedAt: rfc3339(session.updatedAt),
      metadata: session.metadata,
    };
  }

  #members(): unknown[] {
    return [...this.state.members.values()]
      .filter(({ active }) => active)
      .map(({ userId, kind, name, role, joinedAt, readSeq }) => ({
        user: { id: userId, ...(name === undefined ? {} : { name }), kind },
        role,
        joinedAt: rfc3339(joinedAt),
        readSeq,
      }));
  }

  #events(params: URLSearchParams): Answer {
    const after = Number(params.get('after') ?? 0);
    if (after > this.head || (params.get('epoch') ?? this.epoch) !== this.epoch) {
      return problem(refusal('epoch_changed', 'Another epoch.'));
    }
    return ok({ items: this.log.slice(after, after + PAGE_EVENTS), head: this.head, epoch: this.epoch });
  }

  #messages(actor: Actor, params: URLSearchParams): Answer {
    const around = params.get('around');
    if (around !== null && this.state.message(around) === undefined)
      return problem(refusal('message_not_found', 'There is no such message.'));
    const above = around === null ? Number(params.get('after') ?? -1) : (this.state.message(around)?.seq ?? 0) - 1;
    if (above >= 0) return this.#newer(actor, above);
    const before = Number(params.get('before') ?? Number.POSITIVE_INFINITY);
    const parentId = params.get('parentId');
    const fitting = [...this.state.messages.values()]
      .filter(({ seq, parentId: parent }) => seq < before && (parentId === null || parent === parentId))
      .toReversed();
    const items = fitting.slice(0, PAGE_MESSAGES).map(({ id }) => this.#answer(id, actor));
    const last = items.at(-1);
    const more = fitting.length > items.length && last !== undefined;
    return ok({ items, ...(more ? { nextCursor: String(last.seq) } : {}), previousCursor: String(items[0]?.seq ?? 0) });
  }

  /** The page above a seq; one around a message begins with it here, which is as good for a client. */
  #newer(actor: Actor, above: number): Answer {
    const all = [...this.state.messages.values()];
    const rows = all.filter(({ seq }) => seq > above).slice(0, PAGE_MESSAGES);
    const first = rows[0]?.seq ?? above;
    return ok({
      items: rows.toReversed().map(({ id }) => this.#answer(id, actor)),
      ...(all.some(({ seq }) => seq < first) ? { nextCursor: String(first) } : {}),
      previousCursor: String(rows.at(-1)?.seq ?? above),
    });
  }

  /** By emoji, in the order in which they were first used. */
  #reactions(messageSeq: number, actor: Actor): MessageAnswer['reactions'] {
    const live = [...(this.state.reactions.get(messageSeq)?.values() ?? [])].toSorted((a, b) => a.seq - b.seq);
    return [...new Set(live.map(({ emoji }) => emoji))].map((emoji) => {
      const userIds = live.filter((each) => each.emoji === emoji).map(({ userId }) => userId);
      return { emoji, count: userIds.length, mine: userIds.includes(actor.id), userIds };
    });
  }

  #answer(id: string, actor: Actor): MessageAnswer {
    const record = this.state.message(id);
    if (record === undefined) throw new Error(`no message ${id}`);
    const created = this.log[record.seq - 1];
    const deleted = record.deletedAt !== undefined;
    const body = created?.type === 'message.created' && 'text' in created.data ? created.data : undefined;
    const edit = this.log[(record.updatedSeqs.at(-1) ?? 0) - 1];
    const text = edit !== undefined && 'text' in edit.data ? edit.data.text : (body?.text ?? '');
    return {
      id: record.id,
      sessionId: this.id,
      seq: record.seq,
      author: {
        id: record.author,
        ...(record.authorName === undefined ? {} : { name: record.authorName }),
        kind: record.authorKind,
      },
      role: record.role,
      text: deleted ? '' : text,
      status: 'completed',
      ...(record.parentId === undefined ? {} : { parentId: record.parentId }),
      replyCount: this.#replies.get(id) ?? 0,
      mentions: record.mentions,
      reactions: this.#reactions(record.seq, actor),
      createdAt: rfc3339(record.createdAt),
      ...(record.editedAt === undefined ? {} : { editedAt: rfc3339(record.editedAt) }),
      ...(record.deletedAt === undefined ? {} : { deletedAt: rfc3339(record.deletedAt) }),
      metadata: deleted ? {} : (body?.metadata ?? {}),
      attachments: [],
    };
  }
}

export function ok(body: unknown, status = 200): Answer {
  return { status, body, headers: {} };
}

export function problem(reason: Refusal): Answer {
  const body = problemOf(reason, 'correlation');
  const seconds = body.retryAfterMs === undefined ? {} : { 'Retry-After': String(Math.ceil(body.retryAfterMs / 1_000)) };
  return { status: body.status, body, headers: seconds };
}
