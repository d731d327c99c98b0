import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { sessionPath, until, User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { Device, readInbox } from './inbox-device.ts';

/** contract §2: the caller's own creates, joins, leaves and reads */
const OWN_MS_MAX = 2_000;
const KILLED_MS_MAX = 60_000;

const sessionsPage = z.object({
  items: z.array(
    z.looseObject({
      session: z.looseObject({ id: z.string(), title: z.string(), role: z.string() }),
      lastMessage: z.looseObject({ text: z.string() }).optional(),
      unread: z.int(),
      mentions: z.int(),
    }),
  ),
  nextCursor: z.string().optional(),
});

let stack: Stack;
let alice: User;
let bob: User;

async function list(user: User, query = '') {
  return sessionsPage.parse((await user.get(`/v1/sessions${query}`)).body);
}

async function killEdge(): Promise<void> {
  const deaths = (): number => stack.said.filter((line) => /edge died/.test(line)).length;
  const before = deaths();
  stack.kill('workerd', 'SIGKILL');
  await until('the supervisor noticed', () => deaths() > before);
}

/** Bob creates many sessions at once, and the edge is killed while they are being answered. The ids of those that were. */
async function createUntilKilled(): Promise<string[]> {
  const answered: string[] = [];
  const attempts = Array.from({ length: 60 }, async (_, at) => {
    const id = `made-and-killed-${at}`;
    const reply = await bob.http.request('POST', '/v1/sessions', { body: { id, title: id } }).catch(() => undefined);
    if (reply?.status === 202) answered.push(id);
  });
  await until('some are answered', () => answered.length >= 10);
  await killEdge();
  await Promise.all(attempts);
  return answered;
}

requireOrSkip('nats-server', natsServerMissing())('inboxes', () => {
  beforeAll(async () => {
    stack = await startStack({ env: { LIMIT_COMMANDS_PER_S: '100000', LIMIT_COMMANDS_BURST: '100000' } });
    alice = new User(stack.url, await stack.token('alice'));
    bob = new User(stack.url, await stack.token('bob'));
    await until('all is ready', async () => (await alice.http.request('GET', '/readyz')).status === 200);
  });
  afterAll(async () => {
    await Promise.all([alice?.close(), bob?.close()]);
    await stack?.stop();
  });

  test('what others do arrives, on all devices alike', async () => {
    const id = 'others';
    const devices = [new Device(bob), new Device(bob)];
    await Promise.all(devices.map((device) => device.open()));
    const both = async (wanted: Parameters<Device['until']>[1]) =>
      await Promise.all(devices.map((device) => device.until(id, wanted)));
    await alice.create({ id, title: 'Others', members: [{ userId: 'bob', role: 'member' }] });
    await both({ role: 'member', unread: 0, mentions: 0 });
    await alice.send(id, 'hello', { mentions: ['bob'] });
    await alice.send(id, 'hello again');
    await both({ unread: 2, mentions: 1, head: 3 });
    expect((await list(bob)).items[0]).toMatchObject({ session: { id }, lastMessage: { text: 'hello again' }, unread: 2 });
    await bob.command('PUT', `${sessionPath(id)}/read`, { seq: 3 });
    await both({ unread: 0, mentions: 0, head: 3 });
    await alice.command('PUT', `${sessionPath(id)}/members/bob`, { role: 'viewer' });
    await both({ role: 'viewer', head: 4 });
    await alice.command('PATCH', sessionPath(id), { title: 'Renamed' });
    await both({ head: 5 });
    expect((await list(bob)).items[0]?.session.title).toBe('Renamed');
    await alice.command('DELETE', `${sessionPath(id)}/members/bob`);
    await both({ removed: true });
    expect((await list(bob)).items).toEqual([]);
    await alice.command('PUT', `${sessionPath(id)}/members/bob`, { role: 'member' });
    await both({ role: 'member', head: 7 });
    await alice.command('DELETE', sessionPath(id));
    await both({ removed: true });
    const [one, two] = devices.map((device) => [device.rev, [...device.items]]);
    expect(one).toEqual(two);
    for (const device of devices) device.close();
  });

  test('newest activity is first, whoever it is from', async () => {
    const ids = ['first', 'second', 'third'];
    for (const id of ids) await alice.create({ id, title: id, members: [{ userId: 'bob', role: 'member' }] });
    await until('bob has all', async () => ids.every((id) => id.length > 0) && (await list(bob)).items.length === 3);
    await alice.send('second', 'up');
    await until('it moved up', async () => (await list(bob)).items[0]?.session.id === 'second');
    const ordered = (await list(bob)).items.map(({ session }) => session.id);
    expect(ordered).toEqual(['second', 'third', 'first']);
    const page = await list(bob, '?limit=2');
    await alice.send('first', 'up too');
    await until('it moved up', async () => (await list(bob)).items[0]?.session.id === 'first');
    // who moved to the front is there, and no page shows what another did
    const rest = await list(bob, `?limit=2&cursor=${page.nextCursor}`);
    expect([...page.items, ...rest.items].map(({ session }) => session.id)).toEqual(['second', 'third']);
  });

  test('P3: kill -9 of the edge right after the answer: what was done is in the inbox', async () => {
    const id = 'killed';
    await alice.create({ id, title: 'Killed', members: [{ userId: 'bob', role: 'member' }] });
    for (const text of ['one', 'two', 'three']) await alice.send(id, text);
    const device = new Device(bob);
    await device.until(id, { unread: 3 });
    await stack.stop('consumers');
    await bob.command('PUT', `${sessionPath(id)}/read`, { seq: 3 });
    const answered = await createUntilKilled();
    await stack.edgeReady();
    for (const made of answered) await device.until(made, { role: 'owner' }, KILLED_MS_MAX);
    await device.until(id, { unread: 1, head: 4 }, KILLED_MS_MAX);
    const listed = (await list(bob, '?limit=100')).items.map(({ session }) => session.id);
    expect(listed).toEqual(expect.arrayContaining(answered));
    device.close();
  });

  test('P5: with every consumer and NATS stopped own changes are seen within 2 s', async () => {
    await stack.stop('nats');
    const device = new Device(bob);
    await device.open();
    const seen: number[] = [];
    const timed = async (what: () => Promise<unknown>, isSeen: () => Promise<boolean>): Promise<void> => {
      await what();
      const answeredAtMs = Date.now();
      await until('it is seen', isSeen, OWN_MS_MAX);
      seen.push(Date.now() - answeredAtMs);
    };
    const ids = async () => (await list(bob, '?limit=100')).items.map(({ session }) => session.id);
    for (let at = 0; at < 5; at += 1) {
      const id = `alone-${at}`;
      await timed(
        () => bob.create({ id, title: id }),
        async () => (await ids()).includes(id) && device.items.get(id)?.role === 'owner',
      );
      await timed(
        () => bob.command('PUT', `${sessionPath(id)}/read`, { seq: 1 }),
        async () => (await list(bob, '?limit=100')).items.find(({ session }) => session.id === id)?.unread === 0,
      );
      await timed(
        () => bob.command('DELETE', sessionPath(id)),
        async () => !(await ids()).includes(id) && device.items.get(id)?.removed === true,
      );
    }
    console.log(`own changes were seen after ${seen.toSorted((a, b) => a - b).join(', ')} ms, without NATS and consumers`);
    device.close();
    expect((await readInbox(bob, device.rev)).items).toEqual([]);
  });

  test('what happened meanwhile arrives once NATS and the consumers are back, and nothing is a dead letter', async () => {
    const id = 'meanwhile';
    await alice.create({ id, title: 'Meanwhile', members: [{ userId: 'bob', role: 'member' }] });
    await alice.send(id, 'are you there?', { mentions: ['bob'] });
    await stack.start('nats');
    await stack.start('consumers');
    const device = new Device(bob);
    await device.until(id, { role: 'member', unread: 1, mentions: 1 }, KILLED_MS_MAX);
    device.close();
    expect(stack.logs('consumers').filter((line) => line.includes('dead letter'))).toEqual([]);
  });

  test('while the edge is away pulling pauses, and no delivery is used up', async () => {
    const id = 'paused';
    await alice.create({ id, title: 'Paused', members: [{ userId: 'bob', role: 'member' }] });
    await stack.stop('consumers');
    const sent = await Promise.all(Array.from({ length: 30 }, (_, at) => alice.send(id, `message ${at}`)));
    const last = sent.find(({ seq }) => seq === 31)?.commandId ?? '';
    await until('all are published', async () => (await alice.status(id, last)).status === 'published');
    const pauses = () =>
      stack.logs('consumers').filter((line) => line.includes('paused') && line.includes('notifications')).length;
    const before = pauses();
    await stack.stop('edge');
    await stack.start('consumers');
    await until('pulling is paused', () => pauses() > before, KILLED_MS_MAX);
    await stack.start('edge');
    const device = new Device(bob);
    await device.until(id, { unread: 30, head: 31 }, KILLED_MS_MAX);
    device.close();
    expect(stack.logs('consumers').filter((line) => line.includes('dead letter'))).toEqual([]);
  });
});
