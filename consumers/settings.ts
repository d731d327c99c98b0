import { settingsFrom as runtimeSettingsFrom, type Settings as RuntimeSettings } from './runtime/settings.ts';
import { cassandraSettingsFrom, type CassandraSettings } from './stores/history/cassandra-settings.ts';

/** What an operator sets for the consumers, stores included. Without `cassandra` the history is in the embedded store. */
export type Settings = RuntimeSettings & { cassandra?: CassandraSettings };

/** Throws a SettingError that names the variable. */
export function settingsFrom(env: Readonly<Record<string, string | undefined>>): Settings {
  const cassandra = cassandraSettingsFrom(env);
  return { ...runtimeSettingsFrom(env), ...(cassandra === undefined ? {} : { cassandra }) };
}
