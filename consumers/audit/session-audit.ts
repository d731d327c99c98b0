import { describe } from '../runtime/log.ts';
import type { SessionKey } from '../stores/history/port.ts';
import { nameOf, type Finding, type FindingKind, type SessionReport } from './finding.ts';
import { lookAtSession, type AuditPorts, type Look, type LookBounds } from './session-look.ts';

/** what two looks at a session must both have found; in between it moves on */
export const SETTLE_MS_DEFAULT = 2_000;
/** findings of one session that a report names; the others are counted */
const FINDINGS_NAMED_MAX = 100;
/** rounds of mending: each may uncover what the one before made possible; what is left then is reported */
const MEND_ROUNDS_MAX = 10;

export interface AuditOptions extends LookBounds {
  settleMs: number;
  /** put right what can be, and look again */
  repair: boolean;
}

/** What two looks found alike, and how to mend it. */
interface Confirmed {
  look: Look;
  findings: Finding[];
}

/**
 * Audits one session; with `repair` also mends it, and reports what is left. Never rejects: what could not be looked at is the
 * report's `failure`.
 */
export async function auditSession(ports: AuditPorts, session: SessionKey, options: AuditOptions): Promise<SessionReport> {
  // by name: what was tried, and what was left before that
  const tried = new Set<string>();
  let left = '';
  try {
    for (let round = 1; ; round += 1) {
      const confirmed = await lookTwice(ports, session, options);
      try {
        const mendable = options.repair ? confirmed.findings.filter(({ mend }) => mend !== undefined) : [];
        const names = mendable.map(nameOf);
        // the second attempt may do what the first could not, a third would not
        const isStuck = round > 2 && names.join('\n\n') === left;
        if (mendable.length === 0 || isStuck || round > MEND_ROUNDS_MAX) return reportOf(session, confirmed, tried);
        left = names.join('\n\n');
        for (const finding of mendable) await finding.mend?.(round);
        for (const name of names) tried.add(name);
      } finally {
        await confirmed.look.close();
      }
    }
  } catch (error) {
    return { ...reportOf(session, undefined, tried), failure: describe(error) };
  }
}

/** A session lives while it is looked at: only what a second look finds again, unchanged, is a finding. */
async function lookTwice(ports: AuditPorts, session: SessionKey, options: AuditOptions): Promise<Confirmed> {
  const first = await lookAtSession(ports, session, options);
  if (first.findings.length === 0) return { look: first, findings: [] };
  const names = new Set(first.findings.map(nameOf));
  await first.close();
  await ports.wait(options.settleMs);
  const look = await lookAtSession(ports, session, options);
  return { look, findings: look.findings.filter((finding) => names.has(nameOf(finding))) };
}

function reportOf(session: SessionKey, confirmed: Confirmed | undefined, tried: ReadonlySet<string>): SessionReport {
  const found: Record<FindingKind, number> = { missing: 0, different: 0, extra: 0, lost: 0 };
  const findings = confirmed?.findings ?? [];
  for (const { kind } of findings) found[kind] += 1;
  const left = new Set(findings.map(nameOf));
  const { tenant, sessionId } = session;
  const { epoch, head = 0, persisted = 0, counts, deadLetters = [], behind = [] } = confirmed?.look ?? {};
  return {
    tenant,
    sessionId,
    ...(epoch === undefined ? {} : { epoch }),
    head,
    persisted,
    counts: counts ?? { events: 0, pending: 0, unverifiable: 0 },
    deadLetters,
    behind,
    found,
    findings: findings.slice(0, FINDINGS_NAMED_MAX).map(({ tier, kind, place, detail }) => ({ tier, kind, place, detail })),
    ...(confirmed?.look.isCut === true ? { isCut: true } : {}),
    mended: confirmed === undefined ? 0 : [...tried].filter((name) => !left.has(name)).length,
  };
}
