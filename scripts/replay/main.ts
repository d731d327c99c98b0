import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { firstContact, located, positive, whole } from './command-line.ts';
import type { Door } from './participant.ts';
import { isCleanRun, reportJson, reportLines } from './report.ts';
import { run } from './run.ts';
import { openStoredRows, type StoredRows } from './stored-rows.ts';
import { mintToken, secretFrom } from './token.ts';
import { parseTranscripts, sessionIds } from './transcript.ts';

/** `npm run replay -- FILE`. Exit code 0: all is as it should be; 1: a difference; 2: it could not begin. */

const IN_FLIGHT_DEFAULT = 64;
const PATIENCE_S_DEFAULT = 300;
const EXIT_DIFFERENCE = 1;
const EXIT_CANNOT_BEGIN = 2;

interface Options {
  url: string;
  rate?: number;
  inFlight: number;
  times: number;
  dataDir: string;
  door: Door | 'both';
  patience: number;
  sessionPrefix?: string;
  verifyCassandra?: true;
  json?: true;
}

const program = new Command('replay')
  .description('Plays a transcript file through a running system, reads all of it back, and says whether anything differs.')
  .argument('<file>', 'one {"session", "messages": [["hh:mm", nick, text], …]} per line')
  .option('--url <url>', 'address of the edge', `http://127.0.0.1:${process.env['PORT'] ?? '8787'}`)
  .option('--rate <n>', 'messages per second, all sessions together (default: as fast as they are answered)', positive)
  .option('--in-flight <n>', 'messages unanswered at once, all sessions together', whole, IN_FLIGHT_DEFAULT)
  .option('--times <n>', 'play each transcript so many times in the same session', whole, 1)
  .option('--data-dir <dir>', 'where secrets.json is, unless JWT_SECRET is set', process.env['DATA_DIR'] ?? '.millrace')
  .addOption(
    new Option('--door <door>', 'by which door messages are sent; both: in turn')
      .choices(['http', 'socket', 'both'])
      .default('both'),
  )
  .option('--session-prefix <prefix>', 'session ids are prefix + transcript session (default: unique to the run)')
  .option(
    '--patience <s>',
    'seconds that one command may take through outages, and that persisting may stand still',
    positive,
    PATIENCE_S_DEFAULT,
  )
  .option('--verify-cassandra', 'compare the rows in Cassandra too, after all is persisted')
  .option('--json', 'print the result as one JSON object')
  .configureOutput({ outputError: (text, write) => write(text) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_CANNOT_BEGIN))
  .action(async (file: string, options: Options) => {
    process.exitCode = await main(file, options);
  });

async function main(file: string, options: Options): Promise<number> {
  let stored: StoredRows | undefined;
  try {
    const prepared = await prepare(file, options);
    // before anything is sent: without a store there is nothing to compare
    if (options.verifyCassandra === true) stored = await openStoredRows(process.env, options.dataDir);
    const { sessions, times } = await run({ ...prepared, ...(stored === undefined ? {} : { stored }) });
    if (options.json === true) console.log(JSON.stringify(reportJson(sessions, times)));
    else console.log(reportLines(sessions, times).join('\n'));
    return isCleanRun(sessions) ? 0 : EXIT_DIFFERENCE;
  } catch (error) {
    // what happens once messages are being sent is a difference, not an error: only the beginning throws
    console.error(`replay: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT_CANNOT_BEGIN;
  } finally {
    await stored?.close();
  }
}

async function prepare(file: string, options: Options) {
  const transcripts = parseTranscripts(await readFile(located(file), 'utf8'));
  const secret = await secretFrom(process.env, options.dataDir);
  await firstContact(options.url);
  const runId = `${Date.now().toString(36)}${Math.floor(Math.random() * 36 ** 3).toString(36)}`;
  const mark = options.sessionPrefix === undefined ? { suffix: runId } : { prefix: options.sessionPrefix };
  const tokens = new Map<string, Promise<string>>();
  const tokenFor = (userId: string): Promise<string> => {
    const token = tokens.get(userId) ?? mintToken(secret, userId, process.env);
    tokens.set(userId, token);
    return token;
  };
  return {
    url: options.url,
    transcripts,
    sessionIds: sessionIds(transcripts, mark),
    runId,
    times: options.times,
    inFlight: options.inFlight,
    ...(options.rate === undefined ? {} : { rate: options.rate }),
    doors: options.door === 'both' ? (['http', 'socket'] as const) : [options.door],
    patienceMs: options.patience * 1_000,
    tokenFor,
  };
}

await program.parseAsync();
