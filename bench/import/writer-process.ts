import { settingsFrom } from '../../consumers/settings.ts';
import type { Event } from '../../shared/core/types.ts';
import { importedEvents } from './events.ts';
import { readAll } from './reader.ts';
import { openCassandraWriter, openClickHouseWriter, openOpenSearchWriter } from './server-writers.ts';
import { openSqliteWriter } from './sqlite-writers.ts';
import { roleOf, type TargetName } from './targets.ts';
import type { Writer } from './writer.ts';
import { numbersOf } from './writer-job.ts';
import type { WriterAnswer, WriterJob } from './writer-job.ts';

/** A process with nothing in it but the driver: writes, or counts what a read model wrote. Its environment is the consumer's. */

/** events whose writes are made at a time, before the clock runs */
const CHUNK_EVENTS = 5_000;

process.once('message', (job: WriterJob) => {
  run(job).then(
    (answer) => end(answer),
    (error: unknown) => end({ kind: 'error', message: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});

function end(answer: WriterAnswer): void {
  process.send?.(answer, () => process.exit(0));
}

async function run(job: WriterJob): Promise<WriterAnswer> {
  const settings = settingsFrom(process.env);
  if (job.kind === 'read') return { kind: 'read', ...(await readAll(roleOf(job.target), settings.natsServers, job.events)) };
  const writer = await open(job.target, settings);
  try {
    if (job.kind === 'count') return { kind: 'counted', count: await writer.count() };
    return await write(writer, job.events, job.inFlight);
  } finally {
    await writer.close();
  }
}

async function open(target: TargetName, settings: ReturnType<typeof settingsFrom>): Promise<Writer<unknown>> {
  if (target === 'history-cassandra') return await openCassandraWriter(settings, Date.now());
  if (target === 'search-opensearch') return await openOpenSearchWriter(settings);
  if (target === 'analytics-clickhouse') return await openClickHouseWriter(settings);
  return await openSqliteWriter(roleOf(target), settings.dataDir, Date.now());
}

async function write(writer: Writer<unknown>, events: number, inFlight: number): Promise<WriterAnswer> {
  const totals = { events: 0, writes: 0, ms: 0 };
  let chunk: Event[] = [];
  const flush = async (): Promise<void> => {
    const { taken, writes } = numbersOf(writer, chunk);
    chunk = [];
    const startedAt = performance.now();
    await writer.write(writes, inFlight);
    totals.ms += performance.now() - startedAt;
    totals.events += taken;
    totals.writes += writes.length;
  };
  for (const event of importedEvents(events)) {
    chunk.push(event);
    if (chunk.length >= CHUNK_EVENTS) await flush();
  }
  await flush();
  return { kind: 'written', ...totals };
}
