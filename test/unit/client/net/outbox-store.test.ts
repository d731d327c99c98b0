import { beforeEach, describe, expect, it } from 'vitest';
import type { StorageLike } from '../../../../client/environment.ts';
import { MillraceError } from '../../../../client/error.ts';
import { STORE_MS_MAX } from '../../../../client/net/bounds.ts';
import { Http } from '../../../../client/net/http.ts';
import { Outbox, type Outcome } from '../../../../client/net/outbox.ts';
import { OutboxStore, type SavedCommand } from '../../../../client/net/outbox-store.ts';
import { TokenSource } from '../../../../client/net/token-source.ts';
import { accepted, MemoryStorage, newRig, problem, type Rig } from '../rig.ts';

/** `localStorage`: it answers at once. */
class PromptStorage implements StorageLike {
  readonly items = new Map<string, string>();
  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.items.set(key, value);
  }
  removeItem(key: string): void {
    this.items.delete(key);
  }
}

/** One that takes 10 ms for everything, so that pages which do not wait for each other meet. */
class SlowStorage implements StorageLike {
  readonly items = new Map<string, string>();
  async #later<T>(run: () => T): Promise<T> {
    await new Promise<void>((resolve) => rig.environment.after(10, resolve));
    return run();
  }
  getItem(key: string): Promise<string | null> {
    return this.#later(() => this.items.get(key) ?? null);
  }
  setItem(key: string, value: string): Promise<void> {
    return this.#later(() => void this.items.set(key, value));
  }
  removeItem(key: string): Promise<void> {
    return this.#later(() => void this.items.delete(key));
  }
}

let rig: Rig;
let keys: number;

beforeEach(() => {
  rig = newRig();
  rig.answer = () => problem('unavailable', 503);
  keys = 0;
});

const storeIn = (storage: StorageLike): OutboxStore => new OutboxStore(rig.environment, storage, 'k');

/** A page of its own: an outbox that keeps its commands in the storage. */
async function page(storage: StorageLike): Promise<Outbox> {
  const http = new Http(rig.environment, new TokenSource(rig.environment, rig.options.getToken));
  const outbox = new Outbox(rig.environment, http, 's', { send: () => false });
  const store = storeIn(storage);
  const loaded = store.load();
  await rig.pass(20);
  await loaded;
  outbox.keepIn(store);
  return outbox;
}

function send(outbox: Outbox, text: string): Promise<Outcome> {
  const outcome = outbox.submit({ name: 'message.send', data: { text }, key: `key-${(keys += 1)}` });
  outcome.catch(() => {});
  return outcome;
}

async function textsIn(storage: StorageLike): Promise<unknown> {
  const loaded = storeIn(storage).load();
  await rig.pass(20);
  return (await loaded)?.map(({ data }) => data['text']);
}
const gone = new MillraceError('closed', 'The page is gone.');

describe('commands in a store', () => {
  it('outlive a reload, with their keys and in their order', async () => {
    const storage = new MemoryStorage();
    const before = await page(storage);
    void send(before, 'a');
    void send(before, 'b');
    await rig.pass(100);
    before.end(gone);
    const saved = (await storeIn(storage).load()) ?? [];
    expect(saved.map(({ name, data, key }) => [name, data['text'], key])).toEqual([
      ['message.send', 'a', 'key-1'],
      ['message.send', 'b', 'key-2'],
    ]);
    rig.answer = () => accepted(1);
    const after = await page(storage);
    const done = saved.map((command: SavedCommand) => after.submit(command));
    await rig.pass(1_000);
    expect(await Promise.all(done)).toHaveLength(2);
    // the store of this page knows them by their keys, whoever wrote them
    expect([...storage.items]).toEqual([]);
  });

  it('are none when the store holds nonsense', async () => {
    const storage = new MemoryStorage();
    for (const text of ['{', '{}', '[1, {"name": "message.send"}]']) {
      storage.setItem('k', text);
      expect(await storeIn(storage).load()).toEqual([]);
    }
  });
});

describe.each([
  ['answers at once', () => new PromptStorage()],
  ['answers later', () => new MemoryStorage()],
  ['takes its time', () => new SlowStorage()],
])('two pages of one user, with a store that %s', (_what, newStorage) => {
  it('keep what either of them has not settled', async () => {
    const storage = newStorage();
    const [one, other] = [await page(storage), await page(storage)];
    for (const [which, text] of [
      [one, 'of one'],
      [other, 'of the other'],
      [one, 'of one again'],
    ] as const) {
      void send(which, text);
      await rig.pass(100);
    }
    expect(await textsIn(storage)).toEqual(['of one', 'of the other', 'of one again']);
    one.end(gone);
    await rig.pass(100);
    expect(await textsIn(storage), 'closing settles nothing').toEqual(['of one', 'of the other', 'of one again']);
  });

  it('keep both, also when they write at the same time', async () => {
    const storage = newStorage();
    const [one, other] = [await page(storage), await page(storage)];
    void send(one, 'of one');
    void send(other, 'of the other');
    await rig.pass(100);
    expect(await textsIn(storage)).toEqual(expect.arrayContaining(['of one', 'of the other']));
  });

  it('take out what they settled, and leave the other page’s', async () => {
    const storage = newStorage();
    const [one, other] = [await page(storage), await page(storage)];
    rig.answer = ({ body }) => ((body as { text: string }).text === 'stuck' ? problem('unavailable', 503) : accepted(1));
    void send(one, 'stuck');
    const settled = send(other, 'settled');
    await rig.pass(1_000);
    await settled;
    expect(await textsIn(storage)).toEqual(['stuck']);
  });
});

describe('a store that cannot be read', () => {
  it('is not taken for empty, nor written to, until it can', async () => {
    const storage = new MemoryStorage();
    storage.setItem('k', JSON.stringify([{ name: 'message.send', data: { text: 'former' }, key: 'f', atMs: 1 }]));
    const { getItem } = storage;
    storage.getItem = () => Promise.reject(new Error('blocked'));
    expect(await storeIn(storage).load()).toBeUndefined();
    const outbox = await page(storage);
    void send(outbox, 'new');
    await rig.pass(100);
    storage.getItem = getItem;
    expect(await textsIn(storage)).toEqual(['former']);
    void send(outbox, 'newer');
    await rig.pass(100);
    expect(await textsIn(storage)).toEqual(['former', 'new', 'newer']);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('forbidden');
      },
    ],
    ['never answers', () => new Promise<never>(() => {})],
  ])('may be one that %s', async (_what, getItem: () => Promise<string>) => {
    const storage = new MemoryStorage();
    storage.getItem = getItem;
    const loaded = storeIn(storage).load();
    await rig.pass(STORE_MS_MAX);
    expect(await loaded).toBeUndefined();
  });
});
