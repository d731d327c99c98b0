import { afterAll, beforeAll, expect, test } from 'vitest';
import { Millrace, type StreamWriter } from '../../client/index.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { findChromium } from './chromium.ts';
import { openBrowser, SEEN_MS_MAX, type Person, type Visitors } from './people.ts';

const found = await findChromium();
const missing = 'missing' in found ? `Chromium: ${found.missing}` : natsServerMissing();

let stack: Stack;
let visitors: Visitors;
let ada: Person;
let bob: Person;
let session: string;
let agent: Millrace;

requireOrSkip('a browser and nats-server', missing)('chat on several devices, in Chromium', () => {
  beforeAll(async () => {
    stack = await startStack();
    visitors = await openBrowser(stack, 'path' in found ? found.path : '');
    ada = await visitors.signIn('Ada');
    bob = await visitors.signIn('Bob');
    session = await ada.create('Devices');
    await bob.join(session);
    const token = await stack.token('guide', { kind: 'agent', name: 'Guide' });
    agent = new Millrace({ url: stack.url, getToken: () => token });
    await agent.session(session).command('member.put', { userId: 'guide', role: 'member' });
  });
  afterAll(async () => {
    agent?.close();
    await visitors?.close();
    await stack?.stop();
  });

  test('what is unread is counted on each device, and read on one it is read on all', async () => {
    const phone = await visitors.signIn('Ada', { viewport: { width: 390, height: 844 } });
    await ada.page.goto(stack.url);
    const line = ({ page }: Person) => page.locator(`[data-testid="session"][data-id="${session}"]`);
    for (const text of ['one', 'two', 'three']) await bob.say(text);
    for (const device of [ada, phone]) await line(device).getByTestId('unread').filter({ hasText: '3' }).waitFor();
    await line(phone).click();
    await phone.sees('three');
    await line(ada).getByTestId('unread').waitFor({ state: 'detached' });
    expect(await line(ada).getAttribute('data-unread')).toBe('false');
    // who wrote it sees that it was read
    await bob.line('three').getByTestId('readers').waitFor();
    await phone.page.context().close();
  });

  test('who waits before a closed door is let in when somebody adds them', async () => {
    const { sessionId } = await agent.createSession({ title: 'Behind a door' });
    const page = await bob.page.context().newPage();
    await page.goto(`${stack.url}/s/${sessionId}`);
    await page.getByText('Nothing to see here').waitFor();
    await agent.session(sessionId).command('member.put', { userId: 'Bob', role: 'member' });
    await page.getByRole('heading', { name: 'Behind a door' }).waitFor();
    await page.getByTestId('composer').waitFor();
    await page.close();
  });

  test('a search finds a message in all conversations, marks the words, and leads to it', async () => {
    await bob.say('the sluice gate opens at noon');
    await bob.hasStatus('the sluice gate', 'persisted');
    for (let count = 1; count <= 30; count += 1) await bob.say(`filler ${count}`);
    await bob.sees('filler 30');
    await ada.page.goto(stack.url);
    const field = ada.page.getByLabel('Search all messages');
    const result = ada.page.getByTestId('result').filter({ hasText: 'gate opens' });
    // the index follows the store a moment later: what is typed anew is asked anew
    await ada.waitsUntil('it is found', async () => {
      await field.fill('');
      await field.fill('sluice');
      await ada.page.locator('[data-testid="search-results"][data-status="done"]').waitFor();
      return (await result.count()) === 1;
    });
    expect(await result.locator('mark').allTextContents()).toEqual(['sluice']);
    await result.click();
    await ada.line('the sluice gate').and(ada.page.locator('[data-target="true"]')).waitFor();
    const place = await ada.line('the sluice gate').boundingBox();
    expect(place?.y).toBeGreaterThan(0);
    expect(place?.y).toBeLessThan(800);
  });

  test('what is written offline waits, and is sent in its order when the device is back', async () => {
    await ada.open(session);
    await ada.page.context().setOffline(true);
    await ada.page.getByTestId('banner').getByText('You are offline').waitFor();
    await ada.say('written in a tunnel');
    await ada.say('and still in it');
    await ada.line('still in it').getByText('Waiting to be sent').waitFor();
    expect(await bob.line('written in a tunnel').count()).toBe(0);
    await bob.say('said meanwhile');
    await bob.line('said meanwhile').getByTestId('delivery').waitFor();
    await ada.page.context().setOffline(false);
    await bob.sees('and still in it');
    await ada.page.getByTestId('banner').waitFor({ state: 'detached' });
    const last = async (person: Person): Promise<string[]> => (await person.texts()).slice(-3);
    const expected = ['said meanwhile', 'written in a tunnel', 'and still in it'];
    for (const person of [ada, bob])
      await person.waitsUntil('all is there, once', async () => String(await last(person)) === String(expected));
  });

  test('a refused message says why, and can be tried again or discarded', async () => {
    await ada.page.getByTestId('composer').fill('x'.repeat(50_001));
    await ada.page.getByTestId('composer').press('Enter');
    const failed = ada.page.locator('[data-testid="message"][data-state="failed"]');
    await failed.getByText('Not sent').waitFor();
    await failed.getByRole('button', { name: 'Try again' }).click();
    await failed.getByText('Not sent').waitFor();
    await failed.getByRole('button', { name: 'Discard' }).click();
    await failed.waitFor({ state: 'detached' });
  });

  test('a draft is kept over a reload, and is the same in another tab', async () => {
    await ada.page.getByTestId('composer').fill('not finished');
    const other = await ada.secondTab();
    await other.open(session);
    const shown = async (): Promise<string> => other.page.getByTestId('composer').inputValue();
    await other.waitsUntil('the draft is in the other tab', async () => (await shown()) === 'not finished');
    await ada.page.getByTestId('composer').fill('not finished yet');
    await other.waitsUntil('and follows', async () => (await shown()) === 'not finished yet');
    await ada.page.reload();
    await ada.isLive();
    expect(await ada.page.getByTestId('composer').inputValue()).toBe('not finished yet');
    await ada.page.getByTestId('composer').fill('');
    await other.page.close();
  });

  test(
    'a message is read while it is written, also by who comes in the middle, and stops when it is told to',
    async () => {
      const writer: StreamWriter = await agent.session(session).stream({ role: 'assistant', name: 'Guide' });
      await writer.append('The water ');
      await ada.sees('The water');
      const late = await visitors.signIn('Bob');
      await late.open(session);
      await late.sees('The water');
      await writer.append('runs ');
      for (const person of [ada, late]) await person.sees('The water runs');
      await ada.page.getByRole('button', { name: 'Stop' }).click();
      await ada.line('The water runs').getByText('stopped').waitFor();
      await late.line('The water runs').getByText('stopped').waitFor();
      const refused = await writer.append('on').then(
        () => undefined,
        (error: { code: string }) => error.code,
      );
      expect(refused ?? (await writer.finish().catch((error: { code: string }) => error.code))).toBe('stream_ended');
      await late.page.context().close();
    },
    3 * SEEN_MS_MAX,
  );

  test('nothing went wrong inside of the pages, and they asked nobody else', () => {
    expect(visitors.problems).toEqual([]);
    expect([...visitors.origins]).toEqual([stack.url]);
  });
});
