import { SettingError } from '../../runtime/settings.ts';

/** Where the ClickHouse is, from ANALYTICS_URL and CHDB_MODULE. */
export type AnalyticsSettings =
  | { kind: 'server'; url: string }
  /** the engine inside of this process, which must be the only one that opens its directory */
  | { kind: 'engine'; directory: string; module: string };

/** Undefined when ANALYTICS_URL is not set: the embedded store then. Throws a SettingError that names the variable. */
export function analyticsSettingsFrom(env: Readonly<Record<string, string | undefined>>): AnalyticsSettings | undefined {
  const url = env['ANALYTICS_URL'];
  if (url === undefined || url === '') return undefined;
  if (!URL.canParse(url)) throw invalid();
  const { protocol, pathname } = new URL(url);
  if (protocol === 'http:' || protocol === 'https:') return { kind: 'server', url };
  if (protocol !== 'chdb:') throw invalid();
  const module = env['CHDB_MODULE'];
  if (module === undefined || module === '') {
    throw new SettingError('CHDB_MODULE must be the path of the module chdb/connection when ANALYTICS_URL begins with chdb:');
  }
  return { kind: 'engine', directory: decodeURIComponent(pathname), module };
}

function invalid(): SettingError {
  return new SettingError('ANALYTICS_URL must be http(s)://user:password@host:8123/database, or chdb:/directory');
}
