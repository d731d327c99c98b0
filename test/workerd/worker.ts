import { DurableObject } from 'cloudflare:workers';
import type { QueryAnswer, QueryRequest } from '../../shared/contract/internal.ts';
import type { Event } from '../../shared/core/types.ts';
import type {
  PublishItem,
  PublishOutcome,
  RequestOutcome,
  SessionReport,
  UplinkApi,
  UplinkFigures,
} from '../../worker/uplink/api.ts';
import { UplinkMeter } from '../../worker/uplink/meter.ts';

export { Inbox } from '../../worker/inbox/inbox.ts';
export { Session } from '../../worker/session/session.ts';
export { default } from '../../worker/index.ts';

/** Stands at the port where NATS begins: keeps what was published, fails on demand, answers as the archive would. */
export class Uplink extends DurableObject implements UplinkApi {
  #failing = 0;
  #acksPerCall = Number.POSITIVE_INFINITY;
  #archived = new Set<number>();
  #answering = new Set<string>();
  readonly #calls: string[] = [];
  readonly #meter = new UplinkMeter(Date.now());
  readonly published: PublishItem[] = [];
  readonly signalled: { subject: string; payload: string }[] = [];

  async publish(items: PublishItem[], report?: SessionReport): Promise<PublishOutcome> {
    this.#meter.begun(report, Date.now());
    const outcome = this.#publish(items);
    this.#meter.ended(report, items.length, outcome, Date.now());
    return outcome;
  }

  #publish(items: PublishItem[]): PublishOutcome {
    this.#calls.push(sessionOf(items[0]));
    if (this.#failing > 0) {
      this.#failing -= 1;
      return { acked: 0, error: 'planted' };
    }
    const taken = items.slice(0, this.#acksPerCall);
    this.published.push(...taken);
    return taken.length === items.length ? { acked: taken.length } : { acked: taken.length, error: 'planted' };
  }

  async request(_subject: string, payload: string): Promise<RequestOutcome> {
    const request = JSON.parse(payload) as QueryRequest;
    if (request.op === 'events' || request.op === 'eventsAt') return this.#events(request);
    if (request.op !== 'held') return { ok: false, error: 'planted' };
    const held = request.ranges.flatMap(([from, to]) =>
      Array.from({ length: to - from + 1 }, (_, index) => from + index).filter((seq) => this.#archived.has(seq)),
    );
    const answer: QueryAnswer = {
      ok: true,
      op: 'held',
      ranges: held.map((seq) => [seq, seq]),
      publishedAt: Date.now(),
      persistedAt: Date.now(),
    };
    return { ok: true, payload: JSON.stringify(answer) };
  }

  /** As an archive that holds all that was published, and has erased nothing yet. */
  #events(request: Extract<QueryRequest, { op: 'events' | 'eventsAt' }>): RequestOutcome {
    if (!this.#answering.has(request.sessionId)) return { ok: false, error: 'planted' };
    const all = this.published
      .filter((item) => sessionOf(item) === request.sessionId)
      .map((item) => JSON.parse(item.payload) as Event);
    const bySeq = new Map(all.map((event) => [event.seq, event]));
    const seqs =
      request.op === 'eventsAt'
        ? request.seqs
        : Array.from({ length: request.to - request.from + 1 }, (_, index) => request.from + index);
    const events = seqs.flatMap((seq) => bySeq.get(seq) ?? []);
    return { ok: true, payload: JSON.stringify({ ok: true, op: request.op, events } satisfies QueryAnswer) };
  }

  async signal(subject: string, payload: string): Promise<void> {
    if (this.#failing > 0) throw new Error('planted');
    this.signalled.push({ subject, payload });
  }

  async health(): Promise<boolean> {
    return this.#failing === 0;
  }

  async figures(): Promise<UplinkFigures> {
    return this.#meter.figures(Date.now());
  }

  async plan(plan: { failing?: number; acksPerCall?: number; archived?: number[]; answering?: string }): Promise<void> {
    this.#failing = plan.failing ?? this.#failing;
    this.#acksPerCall = plan.acksPerCall ?? this.#acksPerCall;
    if (plan.answering !== undefined) this.#answering.add(plan.answering);
    if (plan.archived !== undefined) this.#archived = new Set(plan.archived);
  }

  /** payloads of the core messages on a subject, in order */
  async signals(subject: string): Promise<string[]> {
    return this.signalled.filter((each) => each.subject === subject).map((each) => each.payload);
  }

  /** The pool is shared by all sessions of a run: a test sees its own. */
  async seen(sessionId: string): Promise<{ calls: number; ids: string[]; payloads: string[] }> {
    const mine = this.published.filter((item) => sessionOf(item) === sessionId);
    return {
      calls: this.#calls.filter((session) => session === sessionId).length,
      ids: mine.map((item) => item.id),
      payloads: mine.map((item) => item.payload),
    };
  }
}

function sessionOf(item: PublishItem | undefined): string {
  return item?.subject.split('.').at(-1) ?? '';
}
