import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { requireOrSkip } from '../support/requirement.ts';
import { cassandraMissing } from '../support/shared-cassandra.ts';
import { natsServerMissing } from '../support/stack.ts';
import { storeStopLines } from './report.ts';
import { storeStop } from './store-stop.ts';

/** `npm run faults -- --only store-stop --minutes 10` has more */
const STOPPED_MS = 60_000;
const SEED = Math.floor(Date.now() / 86_400_000);

requireOrSkip('nats-server and Cassandra', natsServerMissing() ?? (await cassandraMissing()))(
  'Cassandra, which stands still',
  () => {
    test('P3 P5: 202s and own reads go on while Cassandra stands still, and all is there after', async () => {
      const directory = mkdtempSync(join(tmpdir(), 'millrace-store-stop-'));
      const report = await storeStop({
        seed: SEED,
        stoppedMs: STOPPED_MS,
        ledgerPath: join(directory, 'ledger.ndjson'),
        say: (line) => console.log(line),
        calledOff: new AbortController().signal,
      });
      console.log(storeStopLines(report).join('\n'));
      expect(report.verdict.findings).toEqual([]);
      expect(report.verdict.unknown).toBe(0);
      expect(report.acceptedDuring).toBeGreaterThan(0);
      expect(report.during.ownReads.count).toBeGreaterThan(0);
      rmSync(directory, { recursive: true, force: true });
    });
  },
);
