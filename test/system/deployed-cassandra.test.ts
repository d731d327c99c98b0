import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { cassandraCommand, ensureCassandra, type CassandraTools } from '../../scripts/launch/cassandra.mjs';
import { run } from '../../scripts/launch/common.mjs';
import { composeServices, readText } from '../support/deploy-files.ts';
import { requireOrSkip } from '../support/requirement.ts';

/** The server itself judges the settings of deploy/cassandra, as it does at its start; no node is started. */

const CHECK = join(import.meta.dirname, '../support/cassandra-settings-check.java');
const JUDGED_MS_MAX = 120_000;
/** as the server's own file has it, which the image and every package come with */
const SHIPPED = { commitlog_sync: 'periodic', commitlog_sync_period: '10000ms' };

let tools: CassandraTools | undefined;
const missing = await ensureCassandra().then(
  (found) => {
    tools = found;
    return undefined;
  },
  (error: unknown) => String(error),
);

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-cassandra-settings-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What the server says of settings, laid over a file that is known to start one. */
async function judged(settings: object, javaOptions: readonly string[] = []): Promise<string> {
  if (tools === undefined) throw new Error('there are no tools');
  const { command, args } = cassandraCommand(tools, { directory, port: 19_042, storagePort: 17_000 });
  const file = join(directory, 'conf/cassandra.yaml');
  const {
    commitlog_sync: _,
    commitlog_sync_group_window: __,
    ...own
  } = parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, stringify({ ...own, ...settings }));
  const { output } = await run(command, [...javaOptions, ...args.slice(0, -1), CHECK], { timeoutMs: JUDGED_MS_MAX });
  const lines = output.split('\n');
  return lines.find((line) => /^taken: |ConfigurationException/.test(line)) ?? output;
}

requireOrSkip('Cassandra', missing)('settings of Cassandra', () => {
  test('are taken, those for development and those for production', async () => {
    const development: unknown = parse(readText('deploy/cassandra/cassandra-development.yaml'));
    expect(await judged(development as object)).toMatch(/^taken: group AllowAllAuthenticator false/);
    const production: unknown = parse(readText('deploy/cassandra/cassandra-production.yaml'));
    expect(await judged(production as object)).toMatch(/^taken: periodic PasswordAuthenticator true/);
  });

  test('of the compose file are laid over what the image has', async () => {
    const options = composeServices()['cassandra']?.environment?.['JVM_EXTRA_OPTS']?.split(/\s+/) ?? [];
    expect(await judged(SHIPPED, options)).toMatch(/^taken: group /);
    // and the server would say so if a part of it were missing
    const withoutPeriod = options.filter((option) => !option.includes('commitlog_sync_period'));
    expect(await judged(SHIPPED, withoutPeriod)).toMatch(/commitlog_sync_period found/);
  });
});
