import { describe } from './runtime/log.ts';
import { SettingError } from './runtime/settings.ts';
import { migrateCassandra } from './stores/history/cassandra-migrate.ts';
import { cassandraSettingsFrom } from './stores/history/cassandra-settings.ts';

/** `npm run migrate`: the one step that changes the schema of the databases. Run it before the programs that need the change. */

function say(line: string): void {
  process.stdout.write(`migrate: ${line}\n`);
}

async function main(): Promise<number> {
  try {
    const settings = cassandraSettingsFrom(process.env);
    if (settings === undefined) {
      throw new SettingError(
        'CASSANDRA_CONTACT_POINTS is not set: give host:port of Cassandra (the embedded store needs no migration)',
      );
    }
    await migrateCassandra(settings, say);
    return 0;
  } catch (error) {
    say(error instanceof SettingError ? error.message : describe(error));
    return error instanceof SettingError ? 2 : 1;
  }
}

process.exitCode = await main();
