import { FINDING_KINDS, isClean, type FindingKind, type SessionReport } from './finding.ts';

/** What an audit says in the end. The JSON keeps this shape: members are added, never renamed. */

/** sessions named in a report; the others are counted */
const SESSIONS_NAMED_MAX = 1_000;

export interface AuditReport {
  v: 1;
  at: string;
  sessions: number;
  clean: number;
  events: number;
  pending: number;
  unverifiable: number;
  deadLetters: number;
  /** sessions that some read model is behind with, which was not compared */
  behind: number;
  found: Record<FindingKind, number>;
  mended: number;
  /** read models that were not looked at in any session */
  notCompared: readonly string[];
  /** sessions that could not be looked at to the end */
  failed: number;
  /** those with findings or failures */
  reports: SessionReport[];
  /** sessions with findings that `reports` has no room for */
  omitted: number;
}

export const EXIT_CLEAN = 0;
export const EXIT_FINDINGS = 1;
export const EXIT_CANNOT_LOOK = 2;

/** Sums up reports as they come. */
export class Summary {
  readonly report: AuditReport;

  constructor(at: string, notCompared: readonly string[] = []) {
    const found = { missing: 0, different: 0, extra: 0, lost: 0 };
    const none = {
      sessions: 0,
      clean: 0,
      events: 0,
      pending: 0,
      unverifiable: 0,
      deadLetters: 0,
      behind: 0,
      mended: 0,
      failed: 0,
      omitted: 0,
    };
    this.report = { v: 1, at, ...none, found, notCompared, reports: [] };
  }

  add(session: SessionReport): void {
    const { report } = this;
    report.sessions += 1;
    report.events += session.counts.events;
    report.pending += session.counts.pending;
    report.unverifiable += session.counts.unverifiable;
    report.deadLetters += session.deadLetters.length;
    if (session.behind.length > 0) report.behind += 1;
    report.mended += session.mended;
    for (const kind of FINDING_KINDS) report.found[kind] += session.found[kind];
    if (session.failure !== undefined) report.failed += 1;
    if (isClean(session)) report.clean += 1;
    else if (report.reports.length < SESSIONS_NAMED_MAX) report.reports.push(session);
    else report.omitted += 1;
  }

  get exitCode(): number {
    if (this.report.failed > 0) return EXIT_CANNOT_LOOK;
    return this.report.clean === this.report.sessions ? EXIT_CLEAN : EXIT_FINDINGS;
  }
}

/** The same for people. */
export function reportLines({ reports, found, notCompared, ...counts }: AuditReport): string[] {
  const lines = reports.flatMap((session) => [
    `${session.tenant}/${session.sessionId}  head ${session.head}, persisted ${session.persisted}`,
    ...(session.failure === undefined ? [] : [`  could not be looked at: ${session.failure}`]),
    ...session.findings.map(({ tier, kind, place, detail }) => `  ${kind.padEnd(9)}  ${tier}  ${place}: ${detail}`),
    ...more(session),
  ]);
  const { sessions, clean, events, pending, unverifiable, deadLetters, behind, mended, failed, omitted } = counts;
  const width = 14;
  const row = (name: string, value: number | string): string => `${name.padEnd(width)}${String(value).padStart(12)}`;
  return [
    ...lines,
    ...(omitted > 0 ? [`and ${omitted} sessions more`] : []),
    ...(lines.length > 0 ? [''] : []),
    row('sessions', sessions),
    row('clean', clean),
    row('events', events),
    row('pending', pending),
    row('unverifiable', unverifiable),
    row('dead letters', deadLetters),
    ...(behind > 0 ? [row('behind', behind)] : []),
    ...FINDING_KINDS.map((kind) => row(kind, found[kind])),
    ...(mended > 0 ? [row('mended', mended)] : []),
    ...(failed > 0 ? [row('failed', failed)] : []),
    ...(notCompared.length > 0 ? [`not compared: ${notCompared.join(', ')}`] : []),
  ];
}

function more({ found, findings, isCut }: SessionReport): string[] {
  const all = FINDING_KINDS.reduce((sum, kind) => sum + found[kind], 0);
  if (all <= findings.length && isCut !== true) return [];
  return [`  and ${all - findings.length}${isCut === true ? ' or more' : ''} others`];
}
