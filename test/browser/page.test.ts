import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { CHROMIUM_ARGS, findChromium } from './chromium.ts';

const SEEN_MS_MAX = 30_000;
const SESSION = 'browser-talk';

const found = await findChromium();
const missing = 'missing' in found ? `Chromium: ${found.missing}` : natsServerMissing();

let stack: Stack;
let browser: Browser;
let ada: Page;
let bob: Page;
/** what went wrong inside the pages */
const pageErrors: string[] = [];

async function openTab(name: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  page.on('pageerror', (error) => pageErrors.push(`${name}: ${error.message}`));
  await page.goto(stack.url);
  await page.getByTestId('name').fill(name);
  await page.getByTestId('session').fill(SESSION);
  return page;
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByTestId('text').fill(text);
  await page.getByTestId('send').click();
}

function line(page: Page, text: string) {
  return page.getByTestId('message').filter({ hasText: text });
}

async function sees(page: Page, text: string): Promise<void> {
  await line(page, text).waitFor({ timeout: SEEN_MS_MAX });
}

async function showsStatus(page: Page, text: string, status: string): Promise<void> {
  await until(`${text} is ${status}`, async () => (await line(page, text).getAttribute('data-status')) === status, SEEN_MS_MAX);
}

async function texts(page: Page): Promise<string[]> {
  return page.getByTestId('message').locator('span').allTextContents();
}

async function isConnected(page: Page): Promise<boolean> {
  return (await page.getByTestId('connection').textContent()) === 'open';
}

requireOrSkip('a browser and nats-server', missing)('the page at /, in Chromium', () => {
  beforeAll(async () => {
    stack = await startStack();
    browser = await chromium.launch({ executablePath: 'path' in found ? found.path : '', headless: true, args: CHROMIUM_ARGS });
    // the session has to be there before two can open it by its id
    const token = await stack.token('founder');
    const created = await fetch(`${stack.url}/v1/sessions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id: SESSION, title: 'Browsers', visibility: 'public' }),
    });
    if (created.status !== 202) throw new Error(`the session was not created: ${created.status}`);
    ada = await openTab('ada');
    bob = await openTab('bob');
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
  });

  test('two tabs chat, and see each other', async () => {
    for (const page of [ada, bob]) {
      await page.getByTestId('open').click();
      await until('the tab is connected', () => isConnected(page), SEEN_MS_MAX);
    }
    await say(ada, 'hello from ada');
    await sees(bob, 'hello from ada');
    await say(bob, '<b>hello</b> & "hello" from bob');
    for (const page of [ada, bob]) {
      await sees(page, '<b>hello</b> & "hello" from bob');
      expect(await texts(page)).toEqual(['hello from ada', '<b>hello</b> & "hello" from bob']);
    }
  });

  test('beside a message its way is shown: 202, published, persisted', async () => {
    await stack.stop('nats');
    await say(ada, 'on its way');
    await showsStatus(ada, 'on its way', 'accepted');
    await stack.stop('consumers');
    await stack.start('nats');
    await showsStatus(ada, 'on its way', 'published');
    await stack.start('consumers');
    await showsStatus(ada, 'on its way', 'persisted');
    await showsStatus(ada, 'hello from ada', 'persisted');
  });

  test('both go on without a reload when the edge is killed', async () => {
    // a reload would lose it
    for (const page of [ada, bob]) await page.evaluate("window.mark = 'not reloaded'");
    for (let kill = 1; kill <= 2; kill += 1) {
      const deaths = stack.said.filter((each) => /edge died/.test(each)).length;
      stack.kill('workerd', 'SIGKILL');
      await until('the supervisor noticed', () => stack.said.filter((each) => /edge died/.test(each)).length > deaths);
      await stack.edgeReady();
      await say(bob, `bob after kill ${kill}`);
      await sees(ada, `bob after kill ${kill}`);
      await say(ada, `ada after kill ${kill}`);
      await sees(bob, `ada after kill ${kill}`);
    }
    const expected = ['hello from ada', '<b>hello</b> & "hello" from bob', 'on its way'];
    for (const kill of [1, 2]) expected.push(`bob after kill ${kill}`, `ada after kill ${kill}`);
    for (const page of [ada, bob]) {
      expect(await texts(page)).toEqual(expected);
      expect(await page.evaluate('window.mark')).toBe('not reloaded');
    }
    await showsStatus(ada, 'ada after kill 2', 'persisted');
    expect(pageErrors).toEqual([]);
  });
});
