import { describe, expect, it } from 'vitest';
import type { SessionReport } from '../../../consumers/audit/finding.ts';
import { reportLines, Summary } from '../../../consumers/audit/report.ts';

const clean: SessionReport = {
  tenant: 'default',
  sessionId: 's1',
  epoch: 'e',
  head: 9,
  persisted: 8,
  counts: { events: 9, pending: 1, unverifiable: 2 },
  deadLetters: [{ consumer: 'history', seq: 4, reason: 'poison' }],
  behind: ['search'],
  found: { missing: 0, different: 0, extra: 0, lost: 0 },
  findings: [],
  mended: 0,
};
const harmed: SessionReport = {
  ...clean,
  sessionId: 's2',
  found: { missing: 3, different: 0, extra: 0, lost: 1 },
  findings: [{ tier: 'archive', kind: 'lost', place: '7', detail: 'is not there' }],
  mended: 2,
};
const summaryOf = (...reports: SessionReport[]): Summary => {
  const summary = new Summary('2026-01-01T00:00:00.000Z');
  for (const report of reports) summary.add(report);
  return summary;
};

describe('the report of an audit', () => {
  it.each<[string, SessionReport[], number]>([
    ['nothing to look at', [], 0],
    ['what is on its way, a dead letter, or unverifiable', [clean], 0],
    ['a finding', [clean, harmed], 1],
    ['one that could not be looked at', [clean, { ...clean, failure: 'the edge is away' }], 2],
    ['one that could not be looked at, beside a finding', [harmed, { ...clean, failure: 'the edge is away' }], 2],
  ])('of %s has its exit code', (_what, reports, code) => {
    expect(summaryOf(...reports).exitCode).toBe(code);
  });

  it('counts all, and names only what is not clean', () => {
    const { report } = summaryOf(clean, harmed);
    expect(report).toEqual({
      v: 1,
      at: '2026-01-01T00:00:00.000Z',
      sessions: 2,
      clean: 1,
      events: 18,
      pending: 2,
      unverifiable: 4,
      deadLetters: 2,
      behind: 2,
      mended: 2,
      failed: 0,
      omitted: 0,
      found: { missing: 3, different: 0, extra: 0, lost: 1 },
      notCompared: [],
      reports: [harmed],
    });
    const lines = reportLines(report);
    expect(lines.slice(0, 3)).toEqual([
      'default/s2  head 9, persisted 8',
      '  lost       archive  7: is not there',
      '  and 3 others',
    ]);
    expect(lines).toContain(`${'sessions'.padEnd(14)}${'2'.padStart(12)}`);
  });

  it('counts the sessions that it has no room for', () => {
    const many = Array.from({ length: 1_003 }, (_none, index) => ({ ...harmed, sessionId: `s${index}` }));
    const { report } = summaryOf(...many);
    expect([report.reports.length, report.omitted, report.found.lost]).toEqual([1_000, 3, 1_003]);
  });
});
