import { DatabaseSync } from 'node:sqlite';
import { ANALYTICS_DURABLE, analyticsOn } from '../../consumers/projections/analytics.ts';
import { SEARCH_DURABLE, searchProjection } from '../../consumers/projections/search.ts';
import type { ReadModel } from '../../consumers/runtime/read-model.ts';
import type { AnalyticsStore } from '../../consumers/stores/analytics/port.ts';
import { openSqliteAnalytics } from '../../consumers/stores/analytics/sqlite.ts';
import type { SearchLook, SearchStore } from '../../consumers/stores/search/port.ts';
import { openSqliteSearch } from '../../consumers/stores/search/sqlite.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import { StoreFront } from './store-front.ts';
import type { World } from './world.ts';

/** The search index and the figures: the product's adapters, each on an SQLite in memory, and what is wrong with them. */
export class OtherStores {
  readonly index: SearchStore & SearchLook;
  readonly figures: AnalyticsStore;
  readonly fronts: { search: StoreFront; analytics: StoreFront };
  /** the checker's own eyes */
  readonly indexed: DatabaseSync;
  readonly counted: DatabaseSync;

  constructor(world: World, network: Network) {
    const pathOf = (name: string): string => `file:simulated-${name}-${world.seed}?mode=memory&cache=shared`;
    this.index = openSqliteSearch({ path: pathOf('search'), writes: true, mayMake: true });
    this.figures = openSqliteAnalytics({ path: pathOf('analytics'), writes: true, mayMake: true });
    this.indexed = new DatabaseSync(pathOf('search'));
    this.counted = new DatabaseSync(pathOf('analytics'));
    this.fronts = { search: new StoreFront('index', world, network), analytics: new StoreFront('figures', world, network) };
  }

  /** As consumers/projections/search-read-model.ts puts it together, on an index that is there. */
  searchModel(machine: Machine): ReadModel {
    const { index } = this;
    const { search: front } = this.fronts;
    const store: SearchStore = {
      async write(batch) {
        await front.write(machine, batch, async (part) => await index.write(part));
        return new Map();
      },
      find: notAsked,
      health: async () => await front.ask(machine, 'health', async () => await index.health()),
      close: async () => await Promise.resolve(),
      seenAfterMs: 0,
    };
    const opened = { projection: searchProjection(store), close: async () => await store.close() };
    return { name: SEARCH_DURABLE, open: async () => await Promise.resolve(opened) };
  }

  analyticsModel(machine: Machine): ReadModel {
    const { figures } = this;
    const { analytics: front } = this.fronts;
    const store: AnalyticsStore = {
      writeEvents: async (rows) => await front.write(machine, rows, async (part) => await figures.writeEvents(part)),
      writeReceipts: async (rows) => await front.write(machine, rows, async (part) => await figures.writeReceipts(part)),
      writeLetters: async (rows) => await front.write(machine, rows, async (part) => await figures.writeLetters(part)),
      health: async () => await front.ask(machine, 'health', async () => await figures.health()),
      close: async () => await Promise.resolve(),
      heldEvents: notAsked,
      messages: notAsked,
      'active-users': notAsked,
      sessions: notAsked,
      latency: notAsked,
      streams: notAsked,
      traces: notAsked,
      errors: notAsked,
      'dead-letters': notAsked,
    };
    return { name: ANALYTICS_DURABLE, open: async (platform) => await Promise.resolve(analyticsOn(store, platform)) };
  }

  async close(): Promise<void> {
    this.indexed.close();
    this.counted.close();
    await Promise.all([this.index.close(), this.figures.close()]);
  }
}

async function notAsked(): Promise<never> {
  return await Promise.reject(new Error('not asked'));
}
