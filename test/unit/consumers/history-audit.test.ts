import { describe, expect, it } from 'vitest';
import { historyAudit } from '../../../consumers/projections/history-audit.ts';
import type { AuditSubject } from '../../../consumers/runtime/read-model.ts';
import type { HistoryScan, ScannedRow } from '../../../consumers/stores/history/scan.ts';
import { bucketOf } from '../../../consumers/stores/history/tables.ts';

const NOW_MS = 1_800_000_000_000;
const clockAt = (ms: number): bigint => BigInt(ms) * 1_000n;
const PAST = clockAt(NOW_MS - 60_000);
const LATER = clockAt(NOW_MS - 1_000);
const FUTURE = clockAt(NOW_MS + 3_600_000);

type Cells = Record<string, [value: string, clock: bigint]>;

function message(seq: number, cells: Cells): ScannedRow {
  return {
    table: 'messages',
    key: { seq },
    bucket: bucketOf('messages', seq),
    rowKey: String(seq),
    cells: Object.fromEntries(Object.entries(cells).map(([name, [value]]) => [name, value])),
    clocks: Object.fromEntries(Object.entries(cells).map(([name, [, clock]]) => [name, clock])),
  };
}

async function* page(rows: readonly ScannedRow[], tables: readonly string[]): AsyncGenerator<readonly ScannedRow[]> {
  const wanted = rows.filter(({ table }) => tables.includes(table));
  if (wanted.length > 0) yield await Promise.resolve(wanted);
}

/** What is said of messages that should be there, beside those that are. `isIncomplete`: an archive row cannot be read. */
async function findings(isIncomplete: boolean, expected: readonly ScannedRow[], found: readonly ScannedRow[]): Promise<string[]> {
  const scan = { rows: (_session: object, _head: number, tables: readonly string[]) => page(found, tables) };
  const subject = {
    tenant: 'default',
    sessionId: 's1',
    head: 9,
    isDeleted: false,
    isIncomplete,
    isErased: async () => await Promise.resolve(false),
    expectedRows: (tables: readonly string[]) => page(expected, tables),
  };
  // only what the audit of rows asks for
  const openStore = async () => await Promise.reject(new Error('nothing is mended here'));
  const audit = historyAudit(scan as unknown as HistoryScan, openStore, () => NOW_MS);
  const said: string[] = [];
  for await (const { kind, place, detail } of audit.look(subject as unknown as AuditSubject))
    said.push(`${kind} ${place}: ${detail}`);
  return said;
}

describe('rows of a session whose archive has a row that cannot be read', () => {
  const expected = message(1, { text: ['right', PAST] });

  it('may be of the event that is missing, as long as it can have written them', async () => {
    expect(
      await findings(true, [expected], [message(1, { text: ['edited', LATER] }), message(2, { text: ['new', LATER] })]),
    ).toEqual([]);
    expect(await findings(false, [expected], [message(1, { text: ['edited', LATER] })])).toHaveLength(1);
  });

  it('are reported when their clock lies in the future: no event wrote them', async () => {
    const found = [message(1, { text: ['edited', FUTURE] }), message(2, { text: ['new', FUTURE] })];
    expect(await findings(true, [expected], found)).toEqual([
      'different messages 1: text is "edited" instead of "right"',
      'extra messages 2: no event wrote it: its clock lies in the future',
    ]);
  });

  it('are reported when one cell of them is of the future, and another may be of the missing event', async () => {
    const found = [message(1, { text: ['right', PAST], editedAt: ['x', FUTURE], status: ['completed', LATER] })];
    expect(await findings(true, [expected], found)).toEqual(['different messages 1: editedAt is "x" instead of absent']);
  });
});
