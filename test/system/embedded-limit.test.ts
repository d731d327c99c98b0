import { afterAll, beforeAll, expect, test } from 'vitest';
import { refusalOf, sessionPath, User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';

const LIMIT = 5;
let stack: Stack;
let alice: User;

requireOrSkip('nats-server', natsServerMissing())('an embedded store that is full', () => {
  beforeAll(async () => {
    stack = await startStack({ env: { LIMIT_EMBEDDED_MESSAGES: String(LIMIT) } });
    // no patience: a refusal is the answer here
    alice = new User(stack.url, await stack.token('alice'), 0);
  });
  afterAll(async () => {
    await alice?.close();
    await stack?.stop();
  });

  const create = async (id: string): Promise<void> => {
    const created = await alice.create({ id, title: id });
    await alice.persisted(id, created.commandId);
  };

  test('is overloaded for new messages of every session that has heard of it, and for nothing else', async () => {
    await create('first');
    let last = '';
    for (let at = 1; at <= LIMIT; at += 1) last = (await alice.send('first', `message ${at}`)).commandId;
    await alice.persisted('first', last);
    expect(await refusalOf(alice.send('first', 'one too many'))).toBe('overloaded');
    await create('second');
    expect(await refusalOf(alice.send('second', 'also there'))).toBe('overloaded');
    const edited = await alice.command('PATCH', sessionPath('first'), { title: 'still mine' });
    await alice.persisted('first', edited.commandId);
    expect(await alice.get(sessionPath('first'))).toMatchObject({ body: { head: LIMIT + 2, title: 'still mine' } });
  });
});
