import type { Event } from '../../shared/core/types.ts';
import type { AuditSubject, ModelFinding, ReadModelAudit } from '../runtime/read-model.ts';
import type { AnalyticsStore, HeldEvent } from '../stores/analytics/port.ts';
import { rowOf } from './analytics.ts';

/** Compares the rows that figures are made of with the events of a session: each event has one, and nothing else has. */
export function analyticsAudit(store: AnalyticsStore): ReadModelAudit {
  return {
    async *look(subject) {
      let from = 1;
      for await (const page of subject.events()) {
        const last = page.at(-1)?.seq;
        if (last === undefined) continue;
        yield* compared(store, subject, page, await store.heldEvents(subject, from, last));
        from = last + 1;
      }
      // what is younger than the last event that should be there
      const rest = await store.heldEvents(subject, from, Math.max(from, subject.head));
      if (!subject.isIncomplete) for (const held of rest) if (!subject.deadLetters.has(held.seq)) yield extra(held);
    },
    close: async () => await store.close(),
  };
}

function* compared(
  store: AnalyticsStore,
  { deadLetters, isIncomplete }: AuditSubject,
  page: readonly Event[],
  held: readonly HeldEvent[],
): Generator<ModelFinding> {
  const expected = new Map(page.map((event) => [event.id, event]));
  for (const row of held) {
    const event = expected.get(row.eventId);
    expected.delete(row.eventId);
    if (event === undefined) {
      // an event that nobody has any more, or that is a dead letter elsewhere, may have made it
      if (!isIncomplete && !deadLetters.has(row.seq)) yield extra(row);
    } else if (event.seq !== row.seq || event.type !== row.type) {
      yield { kind: 'different', place: `event ${row.eventId}`, detail: `it is counted as ${row.type} with seq ${row.seq}` };
    }
  }
  for (const event of expected.values()) {
    if (deadLetters.has(event.seq)) continue;
    const mend = async (): Promise<void> => await store.writeEvents([rowOf(event)]);
    yield { kind: 'missing', place: `event ${event.id}`, detail: `${event.type} with seq ${event.seq} is not counted`, mend };
  }
}

function extra({ eventId, seq, type }: HeldEvent): ModelFinding {
  return { kind: 'extra', place: `event ${eventId}`, detail: `${type} with seq ${seq} is counted, and no such event is known` };
}
