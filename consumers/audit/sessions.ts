import { DeliverPolicy, type ConsumerConfig } from '@nats-io/jetstream';
import { EVENTS_STREAM, eventSubject } from '../../shared/contract/subjects.ts';
import type { SessionKey } from '../stores/history/port.ts';
import type { HistoryScan } from '../stores/history/scan.ts';
import { readStream, type JetStream } from './read-stream.ts';

/** sessions that one audit remembers, so as to look at each once; beyond it the audit refuses: name tenants or sessions */
export const SESSIONS_MAX = 2_000_000;

export interface SessionQuery {
  tenant?: string;
  /** only those that the stream has had an event of since then, epoch milliseconds */
  sinceMs?: number;
}

export class TooManySessions extends Error {
  constructor() {
    super(`more than ${SESSIONS_MAX} sessions: audit them by --tenant or --session`);
    this.name = 'TooManySessions';
  }
}

/** Every session that the archive or the stream has heard of, each once. */
export async function sessionsOf(scan: HistoryScan, jetStream: JetStream, query: SessionQuery): Promise<SessionKey[]> {
  const found = new Map<string, SessionKey>();
  const add = (session: SessionKey): void => {
    if (query.tenant !== undefined && session.tenant !== query.tenant) return;
    found.set(`${session.tenant} ${session.sessionId}`, session);
    if (found.size > SESSIONS_MAX) throw new TooManySessions();
  };
  if (query.sinceMs === undefined) for await (const page of scan.sessions()) for (const session of page) add(session);
  const wanted: Partial<ConsumerConfig> = {
    headers_only: true,
    filter_subject: eventSubject(query.tenant ?? '*', '*.*', '*'),
    ...(query.sinceMs === undefined
      ? // the newest of each subject: a subject is a session and a type
        { deliver_policy: DeliverPolicy.LastPerSubject }
      : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(query.sinceMs).toISOString() }),
  };
  await readStream(jetStream, EVENTS_STREAM, wanted, ({ subject }) => {
    const tokens = subject.split('.');
    add({ tenant: tokens[2] ?? '', sessionId: tokens[5] ?? '' });
  });
  return [...found.values()];
}
