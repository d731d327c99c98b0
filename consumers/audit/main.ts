import cliProgress from 'cli-progress';
import { Command, InvalidArgumentError } from 'commander';
import type { NatsConnection } from '@nats-io/transport-node';
import { ID_PATTERN, TENANT_PATTERN } from '../../shared/core/ids.ts';
import { READ_MODELS } from '../read-models.ts';
import { within } from '../runtime/backoff.ts';
import { connectForever } from '../runtime/connection.ts';
import { describe, jsonLog, type Log } from '../runtime/log.ts';
import { settingsFrom } from '../settings.ts';
import type { SessionKey } from '../stores/history/port.ts';
import { openAuditor } from './auditor.ts';
import { EXIT_CANNOT_LOOK, reportLines, Summary } from './report.ts';
import { isClean, type SessionReport } from './finding.ts';
import { SETTLE_MS_DEFAULT } from './session-audit.ts';

/** `npm run audit`. Exit code 0: all is as it was accepted; 1: something is not; 2: something could not be looked at. */

const CONNECT_MS_MAX = 10_000;
const CLOSE_MS_MAX = 5_000;
/** what one look at a session may find; the rest comes in the next, once these are mended */
const FINDINGS_MAX = 10_000;
const PENDING_MINUTES_DEFAULT = 15;
const TENANT_DEFAULT = 'default';

interface Options {
  session: string[];
  tenant?: string;
  since?: number;
  pendingMinutes: number;
  settle: number;
  repair?: true;
  json?: true;
}

const program = new Command('audit')
  .description(
    'Compares what the edge accepted with stream, archive and read models, and says what is missing, different or extra.',
  )
  .option('--session <id>', 'only this session; may be repeated', collected, [])
  .option('--tenant <tenant>', `only this tenant (with --session: ${TENANT_DEFAULT})`, tenantName)
  .option('--since <time>', 'only sessions of which the stream has an event since then (RFC 3339)', time)
  .option('--pending-minutes <n>', 'what waits for longer counts as missing', positive, PENDING_MINUTES_DEFAULT)
  .option('--settle <ms>', 'between the two looks that must find the same', positive, SETTLE_MS_DEFAULT)
  .option('--repair', 'put right what can be, from tail, stream and archive; nothing is deleted')
  .option('--json', 'print the result as one JSON object')
  .configureOutput({ outputError: (text, write) => write(text) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_CANNOT_LOOK))
  .action(async (options: Options) => {
    process.exitCode = await main(options);
  });

async function main(options: Options): Promise<number> {
  let connection: NatsConnection | undefined;
  try {
    const settings = settingsFrom(process.env);
    // what it has to say stands apart from its result
    const say = jsonLog((line) => process.stderr.write(line));
    const log: Log = (level, msg, fields) => level !== 'info' && say(level, msg, fields);
    connection = await connectForever(settings, log, AbortSignal.timeout(CONNECT_MS_MAX));
    if (connection === undefined) throw new Error(`NATS does not answer at ${settings.natsServers.join(', ')}`);
    const auditor = await openAuditor(connection, settings, READ_MODELS, log);
    try {
      const summary = new Summary(new Date().toISOString(), auditor.notCompared);
      const sessions = await wanted(options, async (query) => await auditor.sessions(query));
      const bar = progressBar(sessions.length);
      const bounds = { findingsMax: FINDINGS_MAX, pendingMsMax: options.pendingMinutes * 60_000, settleMs: options.settle };
      await auditor.audit(sessions, { ...bounds, repair: options.repair === true }, (report) => {
        summary.add(options.session.length > 0 ? named(report) : report);
        bar?.increment();
      });
      bar?.stop();
      console.log(options.json === true ? JSON.stringify(summary.report) : reportLines(summary.report).join('\n'));
      return summary.exitCode;
    } finally {
      await auditor.close();
    }
  } catch (error) {
    console.error(`audit: ${describe(error)}`);
    return EXIT_CANNOT_LOOK;
  } finally {
    await within(CLOSE_MS_MAX, 'closing', connection?.close() ?? Promise.resolve()).catch(() => undefined);
  }
}

/** A session that was asked for by its id and that nobody knows is a mistyped one, and not a clean one. */
function named(report: SessionReport): SessionReport {
  return report.head === 0 && isClean(report) ? { ...report, failure: 'nobody knows a session of this id' } : report;
}

async function wanted(
  { session, tenant, since }: Options,
  find: (query: { tenant?: string; sinceMs?: number }) => Promise<SessionKey[]>,
): Promise<SessionKey[]> {
  if (session.length > 0) return session.map((sessionId) => ({ tenant: tenant ?? TENANT_DEFAULT, sessionId }));
  return await find({ ...(tenant === undefined ? {} : { tenant }), ...(since === undefined ? {} : { sinceMs: since }) });
}

function progressBar(total: number): cliProgress.SingleBar | undefined {
  if (!process.stderr.isTTY || total === 0) return undefined;
  const bar = new cliProgress.SingleBar({ format: 'sessions {bar} {value}/{total} {eta_formatted}', stream: process.stderr });
  bar.start(total, 0);
  return bar;
}

function collected(value: string, before: string[]): string[] {
  if (!ID_PATTERN.test(value)) throw new InvalidArgumentError('It must be the id of a session.');
  return [...before, value];
}

function tenantName(value: string): string {
  if (!TENANT_PATTERN.test(value)) throw new InvalidArgumentError('It must be the name of a tenant.');
  return value;
}

function time(value: string): number {
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It must be a time such as 2026-01-31T12:00:00Z.');
  return ms;
}

function positive(value: string): number {
  const number = Number(value);
  if (!Number.isFinite(number) || number <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return number;
}

await program.parseAsync();
