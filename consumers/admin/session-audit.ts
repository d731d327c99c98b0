import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { AdminRequestOf, AdminResult } from '../../shared/contract/admin.ts';
import { openAuditPorts, type OpenedPorts } from '../audit/auditor.ts';
import { readLetters } from '../audit/letters.ts';
import { auditSession } from '../audit/session-audit.ts';
import type { AuditPorts } from '../audit/session-look.ts';
import { READ_MODELS } from '../read-models.ts';
import { wait } from '../runtime/backoff.ts';
import type { Log } from '../runtime/log.ts';
import type { Settings } from '../settings.ts';
import { AdminRefused } from './refused.ts';
import type { Deadline } from './responder.ts';

/** the newest dead letters that may account for what is missing; `npm run audit` looks at more */
const LETTERS_MAX = 1_000;
/** between the two looks that must find the same */
const SETTLE_MS = 200;
const FINDINGS_MAX = 1_000;
const PENDING_MS_MAX = 15 * 60_000;
/** a look that would go on later than this before the answer is due is given up */
const END_MS = 150;

class TooLate extends Error {}

export interface SessionAuditor {
  audit(request: AdminRequestOf<'audit.session'>, deadline: Deadline): Promise<AdminResult<'audit.session'>>;
  close(): Promise<void>;
}

/** An audit of one session within the time of an answer. Stores are opened with the first question, and stay open. */
export function sessionAuditor(connection: NatsConnection, settings: Settings, log: Log): SessionAuditor {
  let opening: Promise<OpenedPorts> | undefined;
  const opened = async (): Promise<OpenedPorts> => {
    opening ??= openPorts(connection, settings, log).catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return await opening;
  };
  return {
    async audit({ tenant, sessionId }, { untilMs }) {
      const { ports, jetStream } = await opened();
      const letters = await readLetters(jetStream, LETTERS_MAX);
      const late = { yet: false };
      const report = await auditSession(
        { ...within(ports, untilMs - END_MS, late), letters },
        { tenant, sessionId },
        { findingsMax: FINDINGS_MAX, pendingMsMax: PENDING_MS_MAX, settleMs: SETTLE_MS, repair: false },
      );
      const { failure, tenant: _tenant, mended: _mended, isCut, ...said } = report;
      if (failure !== undefined && !late.yet)
        throw new AdminRefused('unavailable', 'Edge, stream or store could not be looked at.');
      if (failure === undefined && report.epoch === undefined && report.findings.length === 0) {
        throw new AdminRefused('session_not_found', 'There is no such session.');
      }
      return { ...said, isComplete: failure === undefined, ...(isCut === true ? { isCut } : {}) };
    },
    async close() {
      const ports = await opening?.catch(() => undefined);
      await ports?.close();
    },
  };
}

async function openPorts(connection: NatsConnection, settings: Settings, log: Log): Promise<OpenedPorts> {
  const jetStream = { client: jetstream(connection), manager: await jetstreamManager(connection) };
  return await openAuditPorts(connection, jetStream, settings, READ_MODELS, log);
}

/** The same, and no page or message more once it is late: nobody waits for what is found then. */
function within(ports: Omit<AuditPorts, 'letters'>, untilMs: number, late: { yet: boolean }): Omit<AuditPorts, 'letters'> {
  const check = (): void => {
    if (Date.now() <= untilMs) return;
    late.yet = true;
    throw new TooLate('the time of an answer is over');
  };
  async function* checked<T>(pages: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const page of pages) {
      check();
      yield page;
    }
  }
  const { edge, scan, stream, models } = ports;
  return {
    ...ports,
    edge: {
      ...edge,
      digests: async (session, from) => {
        check();
        return await edge.digests(session, from);
      },
    },
    scan: { ...scan, rows: (session, throughSeq, tables) => checked(scan.rows(session, throughSeq, tables)) },
    stream: {
      ...stream,
      each: async (session, take) =>
        await stream.each(session, async (message) => {
          check();
          await take(message);
        }),
    },
    models: models.map(({ name, audit }) => ({ name, audit: { ...audit, look: (subject) => checked(audit.look(subject)) } })),
    wait: async (ms) => {
      check();
      await wait(ms);
    },
  };
}
