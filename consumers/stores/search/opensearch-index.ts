import { FOLDED_LETTERS } from '../../../shared/search/tokens.ts';
import { IndexGone } from './port.ts';
import { errorTypeIn, okOr, propertyOf, type OpenSearchCall } from './opensearch-http.ts';

/** The index: its template, its generations, and the alias that leads to one of them. */

/** of the mapping and the analyzers; another one needs the index made anew */
export const INDEX_VERSION = 1;
export const REFRESH_MS = 1_000;
const SETUP_MS_MAX = 20_000;
const FIRST_GENERATION = 1;

/** letters that `asciifolding` leaves as they are, with their capitals: the mapping comes before `lowercase` */
const MAPPED = Object.entries(FOLDED_LETTERS)
  .filter(([letter]) => /[^\p{Script=Latin}]/u.test(letter))
  .flatMap(([letter, folded]) => [letter, letter.toUpperCase()].map((each) => `${each}=>${folded}`));

/** The same rules as shared/search/tokens.ts, which the embedded index has its terms from; the contract suite compares them. */
const ANALYSIS = {
  char_filter: {
    invisible: {
      type: 'pattern_replace',
      // what is written inside of words and signs and is no part of them, and the accents of Latin letters
      pattern:
        '[\\u00ad\\u034f\\u061c\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufe00-\\ufe0f\\x{1F3FB}-\\x{1F3FF}\\p{Me}]|(?<=\\p{IsLatin})[\\u0300-\\u036f]+',
      replacement: '',
    },
    boundaries: { type: 'pattern_replace', pattern: '[\\p{P}\\p{Z}\\p{Cc}]', replacement: ' ' },
    letters: { type: 'mapping', mappings: MAPPED },
  },
  filter: { pairs: { type: 'cjk_bigram', output_unigrams: true } },
  analyzer: {
    message: {
      type: 'custom',
      char_filter: ['invisible', 'boundaries', 'letters'],
      tokenizer: 'standard',
      filter: ['cjk_width', 'lowercase', 'asciifolding', 'pairs', 'porter_stem'],
    },
  },
};

/** `key` is session and message, by which hits of one moment are in a fixed order; `kind` tells messages from stubs and marks. */
const PROPERTIES = {
  kind: { type: 'keyword' },
  tenant: { type: 'keyword' },
  sessionId: { type: 'keyword' },
  key: { type: 'keyword' },
  seq: { type: 'integer' },
  author: { type: 'keyword' },
  role: { type: 'keyword' },
  parentId: { type: 'keyword' },
  mentions: { type: 'keyword' },
  sentAt: { type: 'date', format: 'epoch_millis' },
  text: { type: 'text', analyzer: 'message' },
};

export function templateOf(index: string): object {
  return {
    index_patterns: [`${index}-*`],
    priority: 500,
    template: {
      settings: {
        number_of_shards: 1,
        auto_expand_replicas: '0-1',
        // said outright: else an index that nobody asks for a while is not refreshed
        refresh_interval: `${REFRESH_MS}ms`,
        analysis: ANALYSIS,
      },
      mappings: { dynamic: 'strict', _meta: { version: INDEX_VERSION }, properties: PROPERTIES },
    },
  };
}

export function generationName(index: string, generation: number): string {
  return `${index}-${String(generation).padStart(6, '0')}`;
}

/** Undefined for an index that is no generation of this one. */
export function generationOf(index: string, name: string): number | undefined {
  const match = name.startsWith(`${index}-`) ? /^\d{6}$/.exec(name.slice(index.length + 1)) : null;
  return match === null ? undefined : Number(match[0]);
}

/** The generation that the alias leads to; undefined where there is no such alias. */
export async function currentGeneration(call: OpenSearchCall, index: string): Promise<string | undefined> {
  const answer = await call('GET', `/_alias/${index}`, undefined, SETUP_MS_MAX);
  if (answer.status === 404) return undefined;
  const [name] = Object.keys(okOr('looking for the index', answer) as object);
  return name;
}

export async function putTemplate(call: OpenSearchCall, index: string): Promise<void> {
  okOr('the template', await call('PUT', `/_index_template/${index}`, templateOf(index), SETUP_MS_MAX));
}

/** Brings the template up to date, and makes the first generation where there is none and it may. Several may try at once. */
export async function ensureIndex(call: OpenSearchCall, index: string, mayMake: boolean): Promise<void> {
  await putTemplate(call, index);
  if ((await currentGeneration(call, index)) === undefined) {
    if (!mayMake) throw new IndexGone();
    const body = { aliases: { [index]: { is_write_index: true } } };
    const made = await call('PUT', `/${generationName(index, FIRST_GENERATION)}`, body, SETUP_MS_MAX);
    // another one was faster
    if (errorTypeIn(made.body) !== 'resource_already_exists_exception') okOr('making the index', made);
  }
  await requireVersion(call, index);
}

/** Numbers of all generations that exist. */
export async function generationsOf(call: OpenSearchCall, index: string): Promise<number[]> {
  const answer = await call('GET', `/${index}-*/_alias`, undefined, SETUP_MS_MAX);
  const names = answer.status === 404 ? [] : Object.keys(okOr('looking for generations', answer) as object);
  return names.flatMap((name) => generationOf(index, name) ?? []).toSorted((a, b) => a - b);
}

async function requireVersion(call: OpenSearchCall, index: string): Promise<void> {
  const mappings = okOr('the mapping', await call('GET', `/${index}/_mapping`, undefined, SETUP_MS_MAX)) as object;
  for (const [name, body] of Object.entries(mappings) as [string, unknown][]) {
    const version = propertyOf(propertyOf(propertyOf(body, 'mappings'), '_meta'), 'version');
    if (version !== INDEX_VERSION) {
      throw new Error(`the search index ${name} has version ${String(version)}, and this program needs ${INDEX_VERSION}`);
    }
  }
}
