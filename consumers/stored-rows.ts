import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe } from './runtime/log.ts';
import { openCassandraScan } from './stores/history/cassandra-scan.ts';
import { cassandraSettingsFrom } from './stores/history/cassandra-settings.ts';
import type { HistoryScan } from './stores/history/scan.ts';

/**
 * Says what Cassandra holds of sessions, for a judge in another process: `npm run replay -- --verify-cassandra` runs it. A line
 * of JSON each way: `{tenant, sessionId, throughSeq}` in; out `{ready: true}` or `{refused}` first, then for each session its
 * rows, and `{done}` or `{failed}` with the session's id. Clocks are decimal strings. Ends with its input.
 */

interface Asked {
  tenant: string;
  sessionId: string;
  throughSeq: number;
}

/** Waits for whoever reads: one page of rows is in memory, whatever the session's size. */
async function say(line: object): Promise<void> {
  const text = JSON.stringify(line, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  // JSON allows these two as they are, and a reader of lines takes them for the end of one
  const inOneLine = text.replace(/[\u2028\u2029]/g, (mark) => (mark === '\u2028' ? '\\u2028' : '\\u2029'));
  if (!process.stdout.write(`${inOneLine}\n`)) await once(process.stdout, 'drain');
}

async function main(): Promise<number> {
  let scan: HistoryScan;
  try {
    const settings = cassandraSettingsFrom(process.env);
    if (settings === undefined) throw new Error('CASSANDRA_CONTACT_POINTS is not set');
    scan = await openCassandraScan(settings);
  } catch (error) {
    await say({ refused: describe(error) });
    return 2;
  }
  await say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    // whoever started this wrote it
    await answer(scan, JSON.parse(line) as Asked);
  }
  await scan.close();
  return 0;
}

async function answer(scan: HistoryScan, { tenant, sessionId, throughSeq }: Asked): Promise<void> {
  try {
    for await (const page of scan.rows({ tenant, sessionId }, throughSeq)) for (const row of page) await say(row);
    await say({ done: sessionId });
  } catch (error) {
    await say({ failed: sessionId, why: describe(error) });
  }
}

process.exitCode = await main();
