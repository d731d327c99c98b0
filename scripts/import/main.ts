// `npm run import -- FILE`: brings the history of another chat system in, over the public interface.
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { makeToken } from '../supervisor/make-token.ts';
import { firstContact, located, whole } from '../replay/command-line.ts';
import { HttpClient } from '../replay/http.ts';
import { secretFrom } from '../replay/token.ts';
import { survey } from './file.ts';
import { Resume } from './resume.ts';
import { runImport, type ImportReport } from './run.ts';

const IN_FLIGHT_DEFAULT = 32;
const PATIENCE_S_DEFAULT = 300;
const EXIT_REFUSED = 1;
const EXIT_CANNOT_BEGIN = 2;
/** whom the token is of; every command is of the person that its line names */
const IMPORTER = 'importer';

interface Options {
  url: string;
  dataDir: string;
  inFlight: number;
  patience: number;
  json?: true;
}

const program = new Command('import')
  .description(
    'Imports sessions, members, messages and reactions; times and authors are kept. Run again, it goes on where it was.',
  )
  .argument('<file>', 'one JSON object per line, as docs/migration.md describes them')
  .option(
    '--url <url>',
    'address of the edge',
    process.env['MILLRACE_URL'] ?? `http://127.0.0.1:${process.env['PORT'] ?? '8787'}`,
  )
  .option(
    '--data-dir <dir>',
    'where secrets.json is, unless JWT_SECRET or MILLRACE_TOKEN is set',
    process.env['DATA_DIR'] ?? '.millrace',
  )
  .option('--in-flight <n>', 'sessions that are imported at once', whole, IN_FLIGHT_DEFAULT)
  .option('--patience <s>', 'seconds that one line may take through outages and rate limits', whole, PATIENCE_S_DEFAULT)
  .option('--json', 'print the report as one JSON object')
  .configureOutput({ outputError: (text, write) => write(text) })
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_CANNOT_BEGIN))
  .action(async (file: string, options: Options) => {
    process.exitCode = await main(file, options);
  });

async function main(given: string, options: Options): Promise<number> {
  try {
    const file = located(given);
    if (!existsSync(file)) throw new Error(`there is no file ${given}`);
    const found = await survey(file);
    const http = new HttpClient({ url: options.url, token: await tokenFor(options), patienceMs: options.patience * 1_000 });
    await firstContact(options.url);
    const resume = new Resume(file, http.url);
    const report = await runImport(file, found, { http, inFlight: options.inFlight, resume });
    console.log(options.json === true ? JSON.stringify(report) : linesOfReport(report).join('\n'));
    return report.refused === 0 ? 0 : EXIT_REFUSED;
  } catch (error) {
    console.error(`import: ${error instanceof Error ? error.message : String(error)}`);
    return EXIT_CANNOT_BEGIN;
  }
}

/** One with the scope service, which may act for others and say when something was written. */
async function tokenFor({ dataDir }: Options): Promise<string> {
  const given = process.env['MILLRACE_TOKEN'];
  if (given !== undefined && given !== '') return given;
  const secret = await secretFrom(process.env, dataDir);
  return await makeToken(IMPORTER, { scope: 'service', ttlSeconds: 12 * 3_600 }, { secret, environment: process.env });
}

function linesOfReport({ lines, skipped, sent, there, refused, named, seconds }: ImportReport): string[] {
  const total = sent.session + sent.member + sent.message + sent.reaction;
  return [
    `${lines} lines: ${total} sent in ${seconds.toFixed(1)} s (${sent.session} sessions, ${sent.member} members, ${sent.message} messages, ${sent.reaction} reactions)`,
    `${skipped} answered by an earlier run, ${there} there already, ${refused} refused`,
    ...named.map(({ line, why }) => `line ${line}: ${why}`),
    ...(refused > named.length ? [`and ${refused - named.length} more`] : []),
  ];
}

await program.parseAsync();
