import { afterEach, describe, expect, it } from 'vitest';
import { httpFormOf } from '../../../client/commands.ts';
import { EventIterator } from '../../../client/event-iterator.ts';
import { MillraceError } from '../../../client/error.ts';
import { Emitter } from '../../../client/emitter.ts';
import { pathOf } from '../../../client/queries.ts';
import { CATALOGUE, COMMAND_NAMES, type CommandSpec } from '../../../shared/contract/catalogue.ts';
import { COMMAND_ROUTES, PATH_FIELDS } from '../../../shared/contract/command-routes.ts';
import { MemoryStorage } from './rig.ts';
import { HEALED } from './simulator/network.ts';
import { newWorld, type World } from './world.ts';

let world: World;
afterEach(() => world?.client.close());

describe('routes', () => {
  it('are those of the catalogue, for every command that it has', () => {
    for (const name of COMMAND_NAMES) {
      const spec: CommandSpec = CATALOGUE[name];
      expect(COMMAND_ROUTES[name], name).toBe(`${spec.method} ${spec.path}`);
      for (const [parameter, field] of Object.entries(spec.params)) expect(PATH_FIELDS[parameter]).toBe(field);
    }
  });

  it('escape what is in them, and leave out what is undefined', () => {
    expect(httpFormOf('member.put', 's', { userId: 'a?b#c', role: 'member' })).toEqual({
      method: 'PUT',
      path: '/v1/sessions/s/members/a%3Fb%23c',
      body: { role: 'member' },
    });
    const params = { s: 's', before: 'a+b', limit: undefined };
    expect(pathOf('messages.list', params)).toBe('/v1/sessions/s/messages?before=a%2Bb');
  });
});

describe('a message of one’s own', () => {
  it('is shown at once, then as sent, and is one message all the time', async () => {
    world = newWorld();
    const session = world.client.session('s');
    session.open();
    await world.pass(1_000);
    const { id, settled } = session.send('hello');
    const shown = (): unknown => session.getSnapshot().messages.map((message) => [message.id, message.state, message.author.id]);
    expect(shown()).toEqual([[id, 'pending', 'ann']]);
    await world.pass(1_000);
    await settled;
    expect(shown()).toEqual([[id, 'sent', 'ann']]);
  });

  it('that was refused stays, to be sent again or discarded', async () => {
    world = newWorld();
    const session = world.client.session('s');
    session.open();
    await world.pass(1_000);
    world.other('session.archive', {}, 'ann');
    const first = session.send('too late');
    const second = session.send('never mind');
    await world.pass(1_000);
    await expect(first.settled).rejects.toMatchObject({ code: 'session_archived', status: 409 });
    const states = (): string[] => session.getSnapshot().messages.map(({ text, state }) => `${text}: ${state}`);
    expect(states()).toEqual(['too late: failed', 'never mind: failed']);
    expect(session.getSnapshot().messages[0]?.error?.code).toBe('session_archived');
    session.discard(second.id);
    world.other('session.restore', {}, 'ann');
    const again = session.retry(first.id);
    expect([states(), again.id]).toEqual([['too late: pending'], first.id]);
    await world.pass(1_000);
    await again.settled;
    expect(states()).toEqual(['too late: sent']);
    expect(() => session.retry(first.id)).toThrow(MillraceError);
  });

  it('outlives a reload while offline, and is there once', async () => {
    const kept = { storage: new MemoryStorage(), userId: 'ann' };
    world = newWorld({ kept });
    world.machine.faults = { ...HEALED, requestLost: 1, upgradeRefused: 1 };
    const session = world.client.session('s');
    void session.send('written offline');
    await world.pass(5_000);
    world.client.close();
    expect(kept.storage.items.size).toBe(1);

    const { edge, machine } = world;
    machine.faults = HEALED;
    const { Millrace } = await import('../../../client/index.ts');
    const client = new Millrace({ ...machine.options(), kept });
    const reloaded = client.session('s');
    reloaded.open();
    await world.pass(5_000);
    expect(edge.session.messages().map(({ text }) => text)).toEqual(['written offline']);
    expect(reloaded.getSnapshot().messages.map(({ text, state }) => [text, state])).toEqual([['written offline', 'sent']]);
    expect(kept.storage.items.size).toBe(0);
    client.close();
  });
});

describe('what a former page left in a store', () => {
  const left = [{ name: 'message.send', data: { text: 'left', id: 'm-left' }, key: 'k-left', atMs: Date.UTC(2026, 0, 1) }];
  const entry = 'millrace:http://edge.test:ann:s';

  it('stays there when the client is closed before it was read', async () => {
    const storage = new MemoryStorage();
    storage.setItem(entry, JSON.stringify(left));
    let answer = (_text: string): void => {};
    const asked: string[] = [];
    storage.getItem = (key) => {
      asked.push(key);
      return new Promise((resolve) => (answer = resolve));
    };
    world = newWorld({ kept: { storage, userId: 'ann' } });
    world.client.session('s');
    await world.pass(100);
    world.client.close();
    answer(JSON.stringify(left));
    await world.pass(60_000);
    expect([...storage.items]).toEqual([[entry, JSON.stringify(left)]]);
    expect(asked, 'and nobody looks at it any more').toHaveLength(1);
    expect(world.edge.session.messages()).toEqual([]);
  });

  it('is sent once the store can be read, and holds up nothing until then', async () => {
    const storage = new MemoryStorage();
    storage.setItem(entry, JSON.stringify(left));
    const { getItem } = storage;
    storage.getItem = () => Promise.reject(new Error('blocked'));
    world = newWorld({ kept: { storage, userId: 'ann' } });
    const session = world.client.session('s');
    session.open();
    const { settled } = session.send('new');
    await world.pass(3_000);
    await settled;
    storage.getItem = getItem;
    await world.pass(60_000);
    expect(world.edge.session.messages().map(({ text }) => text)).toEqual(['new', 'left']);
    expect(session.getSnapshot().messages.map(({ text, state }) => `${text}: ${state}`)).toEqual(['new: sent', 'left: sent']);
    expect(storage.items.size).toBe(0);
  });
});

describe('a session', () => {
  it('is the same object for the same id, and its snapshot the same until something changes', async () => {
    world = newWorld();
    const session = world.client.session('s');
    expect(world.client.session('s')).toBe(session);
    session.open();
    await world.pass(1_000);
    const before = session.getSnapshot();
    expect(session.getSnapshot()).toBe(before);
    world.other('message.send', { text: 'new' });
    await world.pass(1_000);
    const after = session.getSnapshot();
    expect([after === before, after.members === before.members]).toEqual([false, true]);
  });

  it('ends its iterators when it starts over, and reads on without a reset through a gap', async () => {
    world = newWorld();
    const session = world.client.session('s');
    const events = session.events();
    await world.pass(1_000);
    world.machine.cut(true);
    for (let at = 0; at < 40; at += 1) world.other('message.send', { text: `${at}` });
    await world.pass(60_000);
    const seqs: number[] = [];
    for (let at = 0; at < 40; at += 1) seqs.push(((await events.next()).value as { seq: number }).seq);
    expect(seqs).toEqual(Array.from({ length: 40 }, (_, at) => at + 2));
    world.edge.changeEpoch();
    await world.pass(60_000);
    await expect(events.next()).rejects.toMatchObject({ code: 'epoch_changed' });
    expect(await events.next()).toEqual({ value: undefined, done: true });
  });

  it('stops when it is closed: what waits is rejected', async () => {
    world = newWorld();
    world.machine.faults = { ...HEALED, requestLost: 1 };
    const session = world.client.session('s');
    const { settled } = session.send('never');
    world.client.close();
    await expect(settled).rejects.toMatchObject({ code: 'closed' });
    await world.pass(600_000);
    expect(world.edge.session.messages()).toEqual([]);
  });
});

describe('an iterator', () => {
  it('gives what it holds to a slow reader, and then says what it missed', async () => {
    let ended = 0;
    const iterator = new EventIterator<number>(2, () => (ended += 1));
    for (const item of [1, 2, 3, 4]) iterator.push(item);
    expect([(await iterator.next()).value, (await iterator.next()).value, ended]).toEqual([1, 2, 1]);
    await expect(iterator.next()).rejects.toMatchObject({ code: 'buffer_full' });
    expect((await iterator.next()).done).toBe(true);
  });

  it('lets go when its reader does', async () => {
    let ended = 0;
    const iterator = new EventIterator<number>(2, () => (ended += 1));
    iterator.push(1);
    for await (const item of iterator) if (item === 1) break;
    expect([ended, (await iterator.next()).done]).toEqual([1, true]);
  });
});

describe('an emitter', () => {
  it('tells whoever listens, until they stop', () => {
    const emitter = new Emitter<number>();
    const heard: number[] = [];
    const listener = (value: number): void => void heard.push(value);
    emitter.on(listener);
    const off = emitter.on(listener);
    emitter.emit(1);
    off();
    emitter.emit(2);
    expect([heard, emitter.size]).toEqual([[1, 1, 2], 1]);
  });
});
