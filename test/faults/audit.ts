import { connect } from '@nats-io/transport-node';
import { openAuditor } from '../../consumers/audit/auditor.ts';
import { isClean, type SessionReport } from '../../consumers/audit/finding.ts';
import { READ_MODELS } from '../../consumers/read-models.ts';
import { settingsFrom } from '../../consumers/settings.ts';
import { consumersEnvironment } from '../../scripts/supervisor/parts.ts';
import type { Stack } from '../support/stack.ts';
import type { Ledger } from './ledger.ts';

/** The system's own audit, beside the comparisons by an outsider: it knows every tier, and every read model that says how. */

const CONNECT_MS_MAX = 5_000;
const FINDINGS_MAX = 1_000;
/** what waits for longer than this is missing: everything is persisted by now */
const PENDING_MS_MAX = 1_000;
const SETTLE_MS = 1_000;
const FIRST_KEPT_MAX = 3;

/** Audits the sessions again and again until all is clean, or `patienceMs` is over, and writes each last report down. */
export async function auditSessions(
  stack: Pick<Stack, 'nats' | 'settings' | 'secrets'>,
  sessions: readonly string[],
  ledger: Ledger,
  patienceMs: number,
): Promise<void> {
  const untilMs = Date.now() + patienceMs;
  let open = sessions;
  while (open.length > 0) {
    const reports = await auditOnce(stack, open);
    const isLast = Date.now() > untilMs;
    for (const report of reports) if (isLast || isSound(report)) write(report, ledger);
    open = isLast ? [] : reports.filter((report) => !isSound(report)).map(({ sessionId }) => sessionId);
  }
}

async function auditOnce(
  { nats, settings, secrets }: Pick<Stack, 'nats' | 'settings' | 'secrets'>,
  sessions: readonly string[],
): Promise<SessionReport[]> {
  const connection = await connect({ servers: nats.split(','), timeout: CONNECT_MS_MAX, waitOnFirstConnect: true });
  try {
    const auditor = await openAuditor(connection, settingsFrom(consumersEnvironment(settings, secrets)), READ_MODELS, () => {});
    try {
      const reports: SessionReport[] = [];
      const keys = sessions.map((sessionId) => ({ tenant: 'default', sessionId }));
      const options = { findingsMax: FINDINGS_MAX, pendingMsMax: PENDING_MS_MAX, settleMs: SETTLE_MS, repair: false };
      await auditor.audit(keys, options, (report) => reports.push(report));
      return reports;
    } finally {
      await auditor.close();
    }
  } finally {
    await connection.close();
  }
}

/** Clean, and of everything: a read model that is behind was not compared. */
function isSound(report: SessionReport): boolean {
  return isClean(report) && report.behind.length === 0 && report.deadLetters.length === 0;
}

function write({ sessionId, counts, found, findings, behind, deadLetters, failure }: SessionReport, ledger: Ledger): void {
  const others = [
    ...(failure === undefined ? [] : [failure]),
    ...behind.map((name) => `${name} is behind`),
    ...deadLetters.map(({ consumer, seq, reason }) => `seq ${seq} is a dead letter of ${consumer}: ${reason}`),
  ];
  const named = findings.map(({ tier, kind, place, detail }) => `${tier}: ${kind} ${place}: ${detail}`);
  ledger.write({
    kind: 'read-model',
    name: 'audit',
    session: sessionId,
    checked: counts.events,
    missing: found.missing + found.lost + others.length,
    extra: found.extra,
    different: found.different,
    first: [...others, ...named].slice(0, FIRST_KEPT_MAX),
  });
}
