import { join } from 'node:path';
import { echoDeadLetters } from '../receipts/echo.ts';
import { ReceiptSpans } from '../receipts/receipt-spans.ts';
import { edgePoster, ReceiptSender } from '../receipts/sender.ts';
import { jetStreamTeller } from '../receipts/teller.ts';
import { describe } from '../runtime/log.ts';
import type { OpenedReadModel, Platform, ReadModel } from '../runtime/read-model.ts';
import type { Settings } from '../settings.ts';
import type { HistoryStore } from '../stores/history/port.ts';
import type { HistoryScan } from '../stores/history/scan.ts';
import { openSqliteHistory } from '../stores/history/sqlite.ts';
import { openSqliteScan } from '../stores/history/sqlite-scan.ts';
import { HISTORY_DURABLE, historyInPlace, historyProjection } from './history.ts';
import { historyAudit } from './history-audit.ts';

const LAST_RECEIPTS_MS_MAX = 3_000;

/** The archive and its rows, in Cassandra or in the embedded store; and the receipts by which Sessions may forget. */
export const historyReadModel: ReadModel = {
  name: HISTORY_DURABLE,
  // the archive is its own: what the stream lost comes again from the edge, which asks after everything that has no receipt
  refill: 'none',
  async open(platform) {
    return historyOn(await openHistory(platform.settings, true), platform);
  },
  async openAudit({ settings, now }) {
    const scan = await openScan(settings);
    return historyAudit(scan, async () => await openHistory(settings, true), now);
  },
  async openInPlace({ settings }) {
    const store = await openHistory(settings, true);
    return { projection: historyInPlace(store), close: async () => await store.close() };
  },
};

/** The read model on a store that is open; closes it. */
export function historyOn(
  store: HistoryStore,
  { client, manager, settings, post, log, metrics, tracer, now, time }: Platform,
): OpenedReadModel {
  const database = settings.cassandra === undefined ? 'sqlite' : 'cassandra';
  const projection = { ...historyProjection(store, now), database };
  const poster = edgePoster(post, () => store.messageCount?.());
  const receipts = new ReceiptSender(poster, log, jetStreamTeller(client), time, metrics, new ReceiptSpans(tracer));
  return {
    projection,
    settlements: receipts,
    redriven: async (event, publishedAtMs) => await receipts.tellNow(event, publishedAtMs),
    started() {
      receipts.start();
      echoDeadLetters(manager, projection.name, receipts).then(
        (letters) => letters > 0 && log('info', 'told of dead letters again', { letters }),
        (error: unknown) => log('warn', 'could not tell of dead letters again', { error: describe(error) }),
      );
    },
    async close() {
      await receipts.stop(LAST_RECEIPTS_MS_MAX);
      await store.close();
    },
  };
}

/** For an audit, which looks at the tables as they lie there. */
export async function openScan({ cassandra, dataDir }: Settings): Promise<HistoryScan> {
  if (cassandra === undefined) return openSqliteScan(embeddedPath(dataDir));
  const { openCassandraScan } = await import('../stores/history/cassandra-scan.ts');
  return await openCassandraScan(cassandra);
}

export async function openHistory({ cassandra, dataDir }: Settings, writes: boolean): Promise<HistoryStore> {
  if (cassandra !== undefined) {
    // loaded where it is used: the driver is large
    const { openCassandraHistory } = await import('../stores/history/cassandra.ts');
    return await openCassandraHistory({ settings: cassandra, writes });
  }
  return openSqliteHistory({ path: embeddedPath(dataDir), writes });
}

function embeddedPath(dataDir: string): string {
  return join(dataDir, 'history.db');
}
