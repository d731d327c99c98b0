import { NoRespondersError, type NatsConnection } from '@nats-io/transport-node';
import { PULSE_SUBJECT } from '../../shared/contract/subjects.ts';
import { describe, type Log } from '../runtime/log.ts';
import { processReport, type ProcessReport } from './report.ts';

/** Every process of the consumers answers for itself, over NATS: a worker that is gone, or stands still, says nothing. */

/** answers that come later than this are left out */
export const PULSE_MS_MAX = 600;
/** when nothing more came for so long, all have answered */
const STALL_MS = 200;
/** processes that are counted; of more the rest is left out */
const PROCESSES_MAX = 256;

/** Whoever asks waits for no longer than `msMax`, and stops when nobody answered for `stallMs`. */
export interface PulsePatience {
  msMax: number;
  stallMs: number;
}

/** Answers for this process until stopped. */
export function servePulse(connection: NatsConnection, report: () => ProcessReport, log: Log): () => void {
  const subscription = connection.subscribe(PULSE_SUBJECT, {
    callback: (error, message) => {
      if (error !== null) return log('error', 'nobody can ask how this process is', { error: describe(error) });
      message.respond(JSON.stringify(report()));
    },
  });
  return () => subscription.unsubscribe();
}

/** What all processes say that answer in time; none where there are none. Rejects when NATS cannot be asked. */
export async function takePulse(
  connection: Pick<NatsConnection, 'requestMany'>,
  { msMax, stallMs }: PulsePatience = { msMax: PULSE_MS_MAX, stallMs: STALL_MS },
): Promise<ProcessReport[]> {
  const replies = await connection.requestMany(PULSE_SUBJECT, '', {
    strategy: 'stall',
    maxWait: msMax,
    stall: stallMs,
    maxMessages: PROCESSES_MAX,
  });
  const reports = new Map<string, ProcessReport>();
  try {
    for await (const reply of replies) {
      const report = reportOf(reply.string());
      if (report !== undefined) reports.set(report.worker, report);
    }
  } catch (error) {
    // nobody listens: there is no process, and who asks is none
    if (!(error instanceof NoRespondersError)) throw error;
  }
  return [...reports.values()];
}

/** Undefined for that of a process of another version, and for what is none. */
function reportOf(text: string): ProcessReport | undefined {
  try {
    return processReport.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
