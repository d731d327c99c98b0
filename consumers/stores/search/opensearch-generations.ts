import { okOr, openSearchCalls, type OpenSearchCall } from './opensearch-http.ts';
import { currentGeneration, generationName, generationOf, generationsOf, putTemplate } from './opensearch-index.ts';
import type { OpenSearchSettings } from './opensearch-settings.ts';
import { openSearchOn } from './opensearch.ts';
import type { SearchGenerations } from './port.ts';

const CHANGE_MS_MAX = 20_000;
/** what a new index takes to have its shards */
const MAKE_MS_MAX = 30_000;

/** Generations are indices, and the current one is where the alias leads. */
export async function openOpenSearchGenerations(settings: OpenSearchSettings): Promise<SearchGenerations> {
  const call = openSearchCalls(settings);
  const { index } = settings;
  await putTemplate(call, index);
  return {
    list: async () => await listed(call, index),
    async make(generation) {
      const name = generationName(index, generation);
      okOr('making a generation', await call('PUT', `/${name}`, {}, MAKE_MS_MAX));
      return openSearchOn(call, name, true);
    },
    async swap(generation) {
      const name = generationName(index, generation);
      const before = await currentGeneration(call, index);
      const actions = [
        ...(before === undefined ? [] : [{ remove: { index: before, alias: index } }]),
        { add: { index: name, alias: index, is_write_index: true } },
      ];
      // what is in it can be found from the first moment on
      okOr('refreshing', await call('POST', `/${name}/_refresh`, undefined, CHANGE_MS_MAX));
      okOr('moving the alias', await call('POST', '/_aliases', { actions }, CHANGE_MS_MAX));
    },
    async drop(generation) {
      const name = generationName(index, generation);
      if ((await currentGeneration(call, index)) === name) throw new Error(`generation ${generation} is the current one`);
      const answer = await call('DELETE', `/${name}`, undefined, CHANGE_MS_MAX);
      if (answer.status !== 404) okOr('dropping a generation', answer);
    },
    async close() {
      await Promise.resolve();
    },
  };
}

/** Where the index was deleted, alias and all, 1 is current: the next one is then 2, whatever becomes of the first. */
async function listed(call: OpenSearchCall, index: string): Promise<{ current: number; others: readonly number[] }> {
  const name = await currentGeneration(call, index);
  const current = name === undefined ? undefined : generationOf(index, name);
  if (name !== undefined && current === undefined) throw new Error(`the alias ${index} leads to ${name}, which is no generation`);
  const all = await generationsOf(call, index);
  return { current: current ?? 1, others: all.filter((each) => each !== (current ?? 1)) };
}
