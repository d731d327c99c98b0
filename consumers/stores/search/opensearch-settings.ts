import { SettingError } from '../../runtime/settings.ts';

/** Where the search index is, when it is not the embedded one. */
export interface OpenSearchSettings {
  /** without a slash at its end */
  url: string;
  /** `Authorization` of every call */
  authorization?: string;
  /** the alias that everything is asked by; each generation of the index is `{index}-{number}` */
  index: string;
}

const INDEX_DEFAULT = 'millrace-messages';
const INDEX_PATTERN = /^[a-z][a-z0-9_-]{0,63}$/;

/** Undefined without SEARCH_URL. Throws a SettingError that names the variable. */
export function openSearchSettingsFrom(env: Readonly<Record<string, string | undefined>>): OpenSearchSettings | undefined {
  const given = env['SEARCH_URL'];
  if (given === undefined || given === '') return undefined;
  if (!URL.canParse(given)) throw new SettingError('SEARCH_URL must be an http or https address');
  const url = new URL(given);
  if (!['http:', 'https:'].includes(url.protocol)) throw new SettingError('SEARCH_URL must be an http or https address');
  const index = env['SEARCH_INDEX'] || INDEX_DEFAULT;
  if (!INDEX_PATTERN.test(index)) {
    throw new SettingError('SEARCH_INDEX must be 1 to 64 of a–z 0–9 _ -, and begin with a letter');
  }
  const { username, password } = url;
  const login = [username, password].map((each) => decodeURIComponent(each)).join(':');
  return {
    url: `${url.origin}${url.pathname}`.replace(/\/+$/, ''),
    ...(username === '' ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` }),
    index,
  };
}
