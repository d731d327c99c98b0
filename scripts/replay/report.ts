import { ASPECTS, isClean, type Verdict } from './checker.ts';
import { isStoredClean, type StoredVerdict } from './stored-check.ts';

export interface SessionReport {
  verdict: Verdict;
  sent: number;
  accepted: number;
  /** events that were read back */
  head: number;
  sockets: number;
  reconnects: number;
  /** resumes that had to read over HTTP what the tail no longer held */
  refills: number;
  /** attempts made again, by either door */
  retries: number;
  /** events received by sockets */
  deliveries: number;
  answerMs: number[];
  /** where Cassandra was compared */
  stored?: StoredVerdict;
}

export interface Times {
  /** milliseconds of each step */
  playMs: number;
  persistMs: number;
  readBackMs: number;
}

const COLUMNS = ['session', 'sent', '202', 'events', 'sockets', 'resumed', 'retried', ...ASPECTS];

/** The table, the totals and the first differences, as lines. */
export function reportLines(sessions: readonly SessionReport[], times: Times): string[] {
  const isCompared = sessions.some(({ stored }) => stored !== undefined);
  const columns = [...COLUMNS, ...(isCompared ? ['cassandra'] : [])];
  const rows = sessions.map((each) => [
    each.verdict.sessionId,
    ...[each.sent, each.accepted, each.head, each.sockets, each.reconnects, each.retries].map(String),
    ...ASPECTS.map((aspect) => (each.verdict.counts[aspect] === 0 ? 'yes' : `NO (${each.verdict.counts[aspect]})`)),
    ...(isCompared ? [storedCell(each.stored)] : []),
  ]);
  return [...table([columns, ...rows]), '', ...totalLines(sessions, times), ...differenceLines(sessions)];
}

export function isCleanRun(sessions: readonly SessionReport[]): boolean {
  return sessions.every(isCleanSession);
}

function isCleanSession({ verdict, stored }: SessionReport): boolean {
  return isClean(verdict) && (stored === undefined || isStoredClean(stored));
}

function storedCell(stored: StoredVerdict | undefined): string {
  if (stored === undefined) return 'NOT READ';
  const named = Object.entries(stored.counts).filter(([, count]) => count > 0);
  return named.length === 0 ? 'yes' : `NO (${named.map(([name, count]) => `${count} ${name}`).join(', ')})`;
}

/** Rows and differences of all sessions; undefined where Cassandra was not compared. */
function storedTotals(sessions: readonly SessionReport[]) {
  const compared = sessions.flatMap(({ stored }) => (stored === undefined ? [] : [stored]));
  if (compared.length === 0) return undefined;
  const sum = (of: (each: StoredVerdict) => number): number => compared.reduce((total, each) => total + of(each), 0);
  return {
    events: sum(({ expected }) => expected.events),
    messages: sum(({ expected }) => expected.messages),
    members: sum(({ expected }) => expected.members),
    sessions: sum(({ expected }) => expected.sessions),
    missing: sum(({ counts }) => counts.missing),
    extra: sum(({ counts }) => counts.extra),
    different: sum(({ counts }) => counts.different),
  };
}

/** The same for programs. */
export function reportJson(sessions: readonly SessionReport[], times: Times): object {
  return {
    ok: isCleanRun(sessions),
    totals: totals(sessions),
    times,
    sessions: sessions.map(({ verdict, answerMs, ...numbers }) => ({ ...verdict, ...numbers, answered: answerMs.length })),
  };
}

function totals(sessions: readonly SessionReport[]) {
  const sum = (of: (each: SessionReport) => number): number => sessions.reduce((total, each) => total + of(each), 0);
  const stored = storedTotals(sessions);
  const ofStore = stored === undefined ? 0 : stored.missing + stored.extra + stored.different;
  const answerMs = sessions.flatMap((each) => each.answerMs).toSorted((a, b) => a - b);
  return {
    sessions: sessions.length,
    clean: sessions.filter(isCleanSession).length,
    sent: sum((each) => each.sent),
    accepted: sum((each) => each.accepted),
    deliveries: sum((each) => each.deliveries),
    sockets: sum((each) => each.sockets),
    reconnects: sum((each) => each.reconnects),
    refills: sum((each) => each.refills),
    retries: sum((each) => each.retries),
    answerP50Ms: percentile(answerMs, 0.5),
    answerP99Ms: percentile(answerMs, 0.99),
    answerMaxMs: percentile(answerMs, 1),
    differences: sum((each) => ASPECTS.reduce((total, aspect) => total + each.verdict.counts[aspect], 0)) + ofStore,
    ...(stored === undefined ? {} : { stored }),
  };
}

function totalLines(sessions: readonly SessionReport[], times: Times): string[] {
  const all = totals(sessions);
  const playS = times.playMs / 1_000;
  return [
    `${all.accepted} of ${all.sent} messages accepted in ${seconds(times.playMs)} (${Math.round(all.accepted / playS)}/s), ` +
      `${all.deliveries} deliveries to ${all.sockets} sockets (${Math.round(all.deliveries / playS)}/s)`,
    `202 after ${all.answerP50Ms} ms at p50, ${all.answerP99Ms} ms at p99, ${all.answerMaxMs} ms at most, outages included; ` +
      `${all.retries} attempts repeated, ${all.reconnects} sockets resumed, ${all.refills} of them past the tail`,
    `all persisted ${seconds(times.persistMs)} after the last 202; read back in ${seconds(times.readBackMs)}`,
    ...(all.stored === undefined ? [] : [storedLine(all.stored)]),
    all.differences === 0
      ? `${all.clean} of ${all.sessions} sessions complete, in order, persisted, and the same on every socket and over HTTP`
      : `${all.clean} of ${all.sessions} sessions are as they should be; ${all.differences} differences`,
  ];
}

function differenceLines(sessions: readonly SessionReport[]): string[] {
  return sessions.flatMap((session) => {
    if (isCleanSession(session)) return [];
    const { verdict, stored } = session;
    const ofStore = stored?.differences.map((what) => `  cassandra: ${what}`) ?? [];
    return ['', `${verdict.sessionId}:`, ...verdict.differences.map(({ aspect, what }) => `  ${aspect}: ${what}`), ...ofStore];
  });
}

function storedLine(stored: NonNullable<ReturnType<typeof storedTotals>>): string {
  const { events, messages, members, sessions, missing, extra, different } = stored;
  return (
    `Cassandra: ${events} events, ${messages} messages, ${members} members, ${sessions} sessions compared; ` +
    `${missing} missing, ${extra} extra, ${different} different`
  );
}

function percentile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return Math.round(value * 10) / 10;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '),
  );
}
