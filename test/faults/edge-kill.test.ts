import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing } from '../support/stack.ts';
import { AFTER_202_MS_MAX, edgeKill } from './edge-kill.ts';
import { edgeKillLines } from './report.ts';

/** `npm run faults -- --only edge-kill --kills 500` has more */
const KILLS = 50;
const SEED = Math.floor(Date.now() / 86_400_000);

requireOrSkip('nats-server', natsServerMissing())('the edge, killed a moment after a 202', () => {
  test('P3: each of them is there after the restart, in the log, as a status and on a page', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-edge-kill-'));
    const ledgerPath = join(directory, 'ledger.ndjson');
    const report = await edgeKill({
      seed: SEED,
      kills: KILLS,
      ledgerPath,
      say: (line) => console.log(line),
      calledOff: new AbortController().signal,
    });
    console.log(edgeKillLines(report).join('\n'));
    expect(report.missing).toEqual([]);
    expect(report.verdict.findings).toEqual([]);
    expect(report.kills).toBe(KILLS);
    expect(report.afterMs.every((ms) => ms <= AFTER_202_MS_MAX)).toBe(true);
    expect(report.checked).toBeGreaterThanOrEqual(KILLS);
    rmSync(directory, { recursive: true, force: true });
  });
});
