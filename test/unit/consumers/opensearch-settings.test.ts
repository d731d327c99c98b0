import { describe, expect, it } from 'vitest';
import { openSearchSettingsFrom } from '../../../consumers/stores/search/opensearch-settings.ts';

describe('SEARCH_URL and SEARCH_INDEX', () => {
  it.each([
    [{}, undefined],
    [{ SEARCH_URL: '' }, undefined],
    [{ SEARCH_URL: 'http://h:9200/' }, { url: 'http://h:9200', index: 'millrace-messages' }],
    [
      { SEARCH_URL: 'https://h/a/b/', SEARCH_INDEX: 'other' },
      { url: 'https://h/a/b', index: 'other' },
    ],
    [
      { SEARCH_URL: 'https://me%40x:p%3Aw@h' },
      { url: 'https://h', index: 'millrace-messages', authorization: `Basic ${Buffer.from('me@x:p:w').toString('base64')}` },
    ],
  ])('%j', (env, settings) => {
    expect(openSearchSettingsFrom(env)).toEqual(settings);
  });

  it.each([
    [{ SEARCH_URL: 'h:9200' }, 'SEARCH_URL'],
    [{ SEARCH_URL: 'nowhere' }, 'SEARCH_URL'],
    [{ SEARCH_URL: 'http://h', SEARCH_INDEX: 'A' }, 'SEARCH_INDEX'],
    [{ SEARCH_URL: 'http://h', SEARCH_INDEX: '*' }, 'SEARCH_INDEX'],
  ])('%j names the variable', (env, variable) => {
    expect(() => openSearchSettingsFrom(env)).toThrow(variable);
  });
});
