import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing } from '../support/stack.ts';
import { natsLeader } from './nats-leader.ts';
import { natsLeaderLines } from './report.ts';

/** `npm run faults -- --only nats-leader --kills 10` has more */
const KILLS = 1;
const SEED = Math.floor(Date.now() / 86_400_000);

requireOrSkip('nats-server', natsServerMissing())('three NATS servers with three copies', () => {
  test('P3 P6: the leader of three NATS servers is killed under load, and nothing is lost', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-nats-leader-'));
    const report = await natsLeader({
      seed: SEED,
      kills: KILLS,
      ledgerPath: join(directory, 'ledger.ndjson'),
      say: (line) => console.log(line),
      calledOff: new AbortController().signal,
    });
    console.log(natsLeaderLines(report).join('\n'));
    expect(report.verdict.findings).toEqual([]);
    expect(report.withoutLeaderMs).toHaveLength(KILLS);
    expect(report.verdict.commands).toBeGreaterThan(0);
    rmSync(directory, { recursive: true, force: true });
  });
});
