import { settingsFrom as runtimeSettingsFrom, type Settings as RuntimeSettings } from './runtime/settings.ts';
import { analyticsSettingsFrom, type AnalyticsSettings } from './stores/analytics/settings.ts';
import { cassandraSettingsFrom, type CassandraSettings } from './stores/history/cassandra-settings.ts';
import { openSearchSettingsFrom, type OpenSearchSettings } from './stores/search/opensearch-settings.ts';

/** What an operator sets for the consumers, stores included. What is absent is in an embedded store. */
export type Settings = RuntimeSettings & {
  cassandra?: CassandraSettings;
  analytics?: AnalyticsSettings;
  openSearch?: OpenSearchSettings;
};

/** Throws a SettingError that names the variable. */
export function settingsFrom(env: Readonly<Record<string, string | undefined>>): Settings {
  const cassandra = cassandraSettingsFrom(env);
  const analytics = analyticsSettingsFrom(env);
  const openSearch = openSearchSettingsFrom(env);
  return {
    ...runtimeSettingsFrom(env),
    ...(cassandra === undefined ? {} : { cassandra }),
    ...(analytics === undefined ? {} : { analytics }),
    ...(openSearch === undefined ? {} : { openSearch }),
  };
}
