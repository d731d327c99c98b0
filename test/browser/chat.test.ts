import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { findChromium } from './chromium.ts';
import { openBrowser, type Person, type Visitors } from './people.ts';

const found = await findChromium();
const missing = 'missing' in found ? `Chromium: ${found.missing}` : natsServerMissing();

let stack: Stack;
let visitors: Visitors;
let ada: Person;
let bob: Person;
let session: string;

requireOrSkip('a browser and nats-server', missing)('chat, in Chromium', () => {
  beforeAll(async () => {
    stack = await startStack();
    visitors = await openBrowser(stack, 'path' in found ? found.path : '');
    ada = await visitors.signIn('Ada');
    bob = await visitors.signIn('Bob');
    session = await ada.create('Mill planning');
    await bob.join(session);
  });
  afterAll(async () => {
    await visitors?.close();
    await stack?.stop();
  });

  test('two people talk, and see each other', async () => {
    await ada.say('hello from ada');
    await bob.sees('hello from ada');
    await bob.say('hello from bob');
    for (const person of [ada, bob]) {
      await person.sees('hello from bob');
      expect(await person.texts()).toEqual(['hello from ada', 'hello from bob']);
    }
  });

  test('who is here and who types is shown, and goes away again', async () => {
    await ada.page.getByText('2 here').waitFor();
    await ada.page.getByTestId('composer').pressSequentially('well');
    await bob.page.getByTestId('typing').getByText('Ada is typing').waitFor();
    await ada.page.getByTestId('composer').fill('');
    await bob.waitsUntil('nobody types', async () => (await bob.page.getByTestId('typing').textContent()) === '');
  });

  test('a message is edited, reacted to and deleted, for everybody', async () => {
    await ada.say('a tpyo');
    await bob.sees('a tpyo');
    await ada.act('a tpyo', 'Edit');
    await ada.page.getByLabel('Edit message').fill('a typo');
    await ada.page.getByLabel('Edit message').press('Enter');
    await bob.sees('a typo');
    await bob.line('a typo').getByText('edited').waitFor();
    await bob.act('a typo', 'React');
    await bob.page.getByRole('button', { name: 'thumbs up' }).click();
    const reaction = ada.line('a typo').getByTestId('reaction');
    await reaction.waitFor();
    expect(await reaction.getAttribute('aria-pressed')).toBe('false');
    await reaction.click();
    await bob.line('a typo').getByTestId('reaction').filter({ hasText: '2' }).waitFor();
    await ada.act('a typo', 'Delete');
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await bob.sees('This message was deleted.');
    expect(await bob.line('a typo').count()).toBe(0);
  });

  test('replies stand in a thread, and in the list with what they answer', async () => {
    await ada.say('who is in?');
    await bob.sees('who is in?');
    await bob.act('who is in?', 'Reply');
    await bob.page.getByTestId('reply-composer').fill('I am');
    await bob.page.getByTestId('reply-composer').press('Enter');
    await bob.page.getByTestId('thread').getByText('I am').waitFor();
    await ada.line('who is in?').getByTestId('thread-link').filter({ hasText: '1 reply' }).waitFor();
    await ada.line('I am').getByText('who is in?').waitFor();
    await bob.page.getByRole('button', { name: 'Close thread' }).click();
  });

  test('a mention is completed while it is typed, and counted for who is meant', async () => {
    const field = bob.page.getByTestId('composer');
    await field.pressSequentially('ask @ad');
    await bob.page.getByRole('option', { name: 'Ada' }).waitFor();
    await field.press('Enter');
    await bob.waitsUntil('the name is completed', async () => (await field.inputValue()) === 'ask @Ada ');
    await ada.page.goto(stack.url);
    await field.press('Enter');
    await ada.page.getByTestId('session').getByTestId('mentions').waitFor();
    await ada.open(session);
    await ada.line('ask').locator('.mention').filter({ hasText: '@Ada' }).waitFor();
  });

  test('what others write is text, whatever it looks like', async () => {
    const hostile = [
      '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>',
      '[click](javascript:window.pwned=1) ![p](https://evil.example/p.png)',
      `${'>'.repeat(500)} deep`,
    ];
    for (const text of hostile) await bob.say(text);
    await ada.sees('onerror');
    await ada.sees('deep');
    const list = ada.page.getByTestId('messages');
    expect(await list.locator('img, script, iframe, [onerror], a[href^="javascript"]').count()).toBe(0);
    expect(await list.locator('a', { hasText: 'p' }).last().getAttribute('rel')).toContain('noopener');
    expect(await ada.page.evaluate('window.pwned')).toBeUndefined();
    expect([...visitors.origins]).toEqual([stack.url]);
  });

  test('beside a message its way is shown: accepted, published, persisted', async () => {
    await stack.stop('nats');
    await ada.say('on its way');
    await ada.hasStatus('on its way', 'accepted');
    await stack.stop('consumers');
    await stack.start('nats');
    await ada.hasStatus('on its way', 'published');
    await stack.start('consumers');
    await ada.hasStatus('on its way', 'persisted');
  });

  test('both go on without a reload when the edge is killed', async () => {
    // a reload would lose it
    for (const { page } of [ada, bob]) await page.evaluate("window.mark = 'not reloaded'");
    for (let kill = 1; kill <= 2; kill += 1) {
      const deaths = stack.said.filter((each) => /edge died/.test(each)).length;
      stack.kill('workerd', 'SIGKILL');
      await until('the supervisor noticed', () => stack.said.filter((each) => /edge died/.test(each)).length > deaths);
      await bob.say(`bob while it was away ${kill}`);
      await stack.edgeReady();
      await ada.sees(`bob while it was away ${kill}`);
      await ada.say(`ada after kill ${kill}`);
      await bob.sees(`ada after kill ${kill}`);
    }
    for (const { page } of [ada, bob]) expect(await page.evaluate('window.mark')).toBe('not reloaded');
    await ada.hasStatus('ada after kill 2', 'persisted');
    expect(visitors.problems).toEqual([]);
  });
});
