import { expect, it } from 'vitest';
import { runImport } from '../../bench/import/run.ts';
import { importedEvents } from '../../bench/import/events.ts';
import { TARGET_NAMES, type TargetName } from '../../bench/import/targets.ts';
import { ensureChdb } from '../../scripts/launch/chdb.mjs';
import { SEARCHED_TYPES } from '../../consumers/projections/search.ts';
import { cassandraMissing } from '../support/shared-cassandra.ts';
import { openSearchMissing } from '../support/shared-opensearch.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing } from '../support/stack.ts';

/**
 * The bench of imports on every read model and store: each read model takes every event once, in flat memory. More events than
 * these by IMPORT_EVENTS; Cassandra takes some hundred in a second on a busy machine.
 */

const EVENTS = Number(process.env['IMPORT_EVENTS'] ?? 10_000);
const PROBE_EVENTS = 2_000;
/** for a busy machine */
const TEST_MS_MAX = 900_000 + EVENTS * 60;
/**
 * From when 20 to 40 % are done to the last fifth. A process that is warming up grows by up to about 150 MiB in a run as short as
 * this one, with code, heap and buffers of the client: only what keeps far more than it has in hand is seen here. Smaller leaks
 * need a longer run.
 */
const GROWTH_BYTES_MAX = 256 * 1024 ** 2;

async function missing(): Promise<string | undefined> {
  const chdb = await ensureChdb().then(
    () => undefined,
    (error: unknown) => String(error),
  );
  return natsServerMissing() ?? (await cassandraMissing()) ?? (await openSearchMissing()) ?? chdb;
}

/** How many events, or documents, a store holds of all of them. */
function expectedOf(target: TargetName): number {
  if (!target.startsWith('search')) return EVENTS;
  const messages = [...importedEvents(EVENTS)].filter(({ type }) => SEARCHED_TYPES.some((each) => each === type));
  return new Set(messages.map(({ subject }) => subject)).size;
}

requireOrSkip('the databases of the import', await missing())('import', () => {
  it(
    'P1 brings every event into every store once, in flat memory; ratios to the driver are printed, met or missed',
    async () => {
      const lines: string[] = [];
      const plan = { events: EVENTS, targets: TARGET_NAMES, probeEvents: PROBE_EVENTS, profiles: false };
      const { results } = await runImport(plan, (line) => void lines.push(line));
      console.log(lines.join('\n'));
      expect(results.map(({ target, stored, deadLetters }) => ({ target, stored, deadLetters }))).toEqual(
        TARGET_NAMES.map((target) => ({ target, stored: expectedOf(target), deadLetters: 0 })),
      );
      for (const { target, consumed } of results) {
        const { firstBytes = 0, lastBytes = Infinity } = consumed.memory ?? {};
        expect(lastBytes - firstBytes, target).toBeLessThan(GROWTH_BYTES_MAX);
      }
    },
    TEST_MS_MAX,
  );
});
