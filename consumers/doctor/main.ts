import { Command } from 'commander';
import { describe } from '../runtime/log.ts';
import { SettingError } from '../runtime/settings.ts';
import { settingsFrom, type Settings } from '../settings.ts';
import { configurationFrom } from './configuration.ts';
import { examine, unusable } from './examine.ts';
import type { Finding, Level } from './finding.ts';
import { repair } from './repair.ts';
import type { Environment } from './settings-checks.ts';

/**
 * `npm run doctor`: compares a configuration with the servers that it names, and says in words what is wrong and what to do. Exit
 * code 0: nothing is; 1: something is; 2: it could not begin.
 */

const MARKS: Readonly<Record<Level, string>> = { ok: 'ok     ', warning: 'warning', error: 'error  ' };

interface Options {
  envFile: string[];
  wrangler?: string;
  env?: string;
  repair?: true;
  json?: true;
  verbose?: true;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(options: Options): Promise<number> {
  const env = configurationFrom(process.env, {
    envFiles: options.envFile,
    ...(options.wrangler === undefined ? {} : { wrangler: options.wrangler }),
    ...(options.env === undefined ? {} : { environment: options.env }),
  });
  const settings = usable(env);
  if (settings instanceof SettingError) return report(unusable(settings.message), options);
  if (options.repair === true) {
    const log = (line: string): void => void (options.json === true || say(`repair   ${line}`));
    await repair(settings, log);
  }
  return report(await examine(settings, env), options);
}

function usable(env: Environment): Settings | SettingError {
  try {
    return settingsFrom(env);
  } catch (error) {
    if (error instanceof SettingError) return error;
    throw error;
  }
}

function report(findings: readonly Finding[], { json, verbose }: Options): number {
  const isWell = findings.every(({ level }) => level !== 'error');
  if (json === true) say(JSON.stringify({ ok: isWell, findings }));
  else {
    for (const { level, check, says, fix } of findings) {
      if (level === 'ok' && verbose !== true) continue;
      say(`${MARKS[level]}  ${check}: ${says}`);
      if (fix !== undefined) say(`         → ${fix}`);
    }
    const count = (level: Level): number => findings.filter((each) => each.level === level).length;
    say(`${count('error')} errors, ${count('warning')} warnings, ${count('ok')} things are as they should be`);
  }
  return isWell ? 0 : 1;
}

const program = new Command('doctor')
  .description('Compares a configuration with the servers that it names, and says what is wrong and what to do.')
  .option(
    '--env-file <file>',
    'NAME=value lines, as .env or .dev.vars; may be repeated',
    (file, all: string[]) => [...all, file],
    [],
  )
  .option('--wrangler <file>', 'a wrangler.toml: what the edge is deployed with')
  .option('--env <name>', 'of that file: the environment whose variables are meant')
  .option('--repair', 'first make streams and durables that are missing')
  .option('--json', 'one JSON object: {ok, findings: [{check, level, says, fix?}]}')
  .option('--verbose', 'also what is as it should be');

try {
  program.parse();
  process.exit(await main(program.opts<Options>()));
} catch (error) {
  process.stderr.write(`doctor: ${error instanceof SettingError ? error.message : describe(error)}\n`);
  process.exit(2);
}
