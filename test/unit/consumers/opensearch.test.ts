import { createServer, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { searchWriteOf } from '../../../consumers/projections/search.ts';
import { openOpenSearch } from '../../../consumers/stores/search/opensearch.ts';
import type { SearchStore, SearchWrite } from '../../../consumers/stores/search/port.ts';
import { StoreUnavailable } from '../../../consumers/stores/store-unavailable.ts';
import { anEvent } from '../../contracts/events.ts';

/** What the real one cannot be made to answer at will. */

interface Call {
  method: string;
  path: string;
  authorization: string | undefined;
  body: string;
}

describe('an OpenSearch that answers', () => {
  let server: Server;
  let calls: Call[];
  let answer: (call: Call) => { status?: number; body: unknown };
  let store: SearchStore;

  beforeEach(async () => {
    calls = [];
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const call = {
          method: request.method ?? '',
          path: request.url ?? '',
          authorization: request.headers.authorization,
          body,
        };
        calls.push(call);
        const { status = 200, body: said } = answer(call);
        response
          .writeHead(status, { 'Content-Type': 'application/json' })
          .end(typeof said === 'string' ? said : JSON.stringify(said));
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const settings = { url: `http://127.0.0.1:${address.port}`, index: 'x', authorization: 'Basic abc' };
    store = await openOpenSearch({ settings, writes: false, mayMake: false });
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });

  const write = async (): Promise<ReadonlyMap<number, unknown>> => {
    const writes = [1, 2].map((seq) => searchWriteOf(anEvent('message.created', { seq, data: { id: `m${seq}` } })));
    return await store.write(writes.filter((each): each is SearchWrite => each !== undefined));
  };
  const items = (...statuses: readonly (readonly [status: number, type?: string])[]): unknown => ({
    items: statuses.map(([status, type]) => ({ index: { status, ...(type === undefined ? {} : { error: { type } }) } })),
  });
  const toBulk =
    (body: unknown, status = 200) =>
    ({ path }: Call): { status?: number; body: unknown } =>
      path.includes('_bulk') ? { status, body } : { body: { docs: [] } };

  it('takes conflicts for success, and says so by a call that names alias, version and login', async () => {
    answer = toBulk(items([201], [409, 'version_conflict_engine_exception']));
    expect(await write()).toEqual(new Map());
    const [bulk] = calls;
    expect(bulk).toMatchObject({ method: 'POST', authorization: 'Basic abc' });
    expect(bulk?.path).toMatch(/^\/x\/_bulk\?require_alias=true&/);
    expect(bulk?.body.split('\n')[0]).toBe(
      '{"index":{"_id":"message/default/s1/m1","version":1700000000000001,"version_type":"external"}}',
    );
  });

  it('takes a 400 of one item for that document’s fault', async () => {
    answer = toBulk(items([400, 'mapper_parsing_exception'], [201]));
    expect(await write()).toEqual(new Map([[0, { reason: 'mapper_parsing_exception' }]]));
  });

  it.each([429, 403, 404, 500, 503])('takes a %i of one item for its own', async (status) => {
    answer = toBulk(items([201], [status, 'some_exception']));
    await expect(write()).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it.each([401, 403, 429, 502, 503])('takes a %i of the whole bulk for its own', async (status) => {
    answer = toBulk({ error: { type: 'some_exception' } }, status);
    await expect(write()).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('takes a 413 for the batch’s fault, so that it is split', async () => {
    answer = toBulk('{}', 413);
    const error = await write().catch((each: unknown) => each);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(StoreUnavailable);
  });

  it.each(['not JSON', '{"items":[]}'])('does not believe an answer of %j', async (body) => {
    answer = toBulk(body);
    await expect(write()).rejects.toThrow();
  });

  it('does not give a part of what it would have found in time', async () => {
    answer = () => ({ body: { timed_out: true, hits: { hits: [], total: { value: 0 } } } });
    const question = { tenant: 'default', clauses: [{ text: 'a', terms: ['a'], isPrefix: false }], sessions: ['s1'], limit: 1 };
    await expect(store.find(question)).rejects.toThrow('took longer');
  });
});
