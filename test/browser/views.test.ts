import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { findChromium } from './chromium.ts';
import { openBrowser, type Person, type Visitors } from './people.ts';

const found = await findChromium();
const missing = 'missing' in found ? `Chromium: ${found.missing}` : natsServerMissing();
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** WCAG 2.2, levels A and AA, and what is good practice besides. */
// Guards of a focus that stays inside of a popup lead it back at once: no one can be on one.
const RUN = `axe.run({ exclude: [['[data-base-ui-focus-guard]']] }, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })`;
const report = z.object({
  violations: z.array(
    z.object({
      id: z.string(),
      impact: z.enum(['minor', 'moderate', 'serious', 'critical']).nullable(),
      nodes: z.array(z.object({ html: z.string(), failureSummary: z.string() })),
    }),
  ),
  passes: z.array(z.unknown()),
});

let stack: Stack;
let visitors: Visitors;
let session: string;

/** What axe finds serious or critical, by rule, with where. */
async function seriousOf(page: Page): Promise<string[]> {
  // whatever moves in is there by then
  await page.evaluate(
    'Promise.all(document.getAnimations().map((each) => each.effect.getTiming().iterations === Infinity ? 0 : each.finished))',
  );
  await page.evaluate(AXE);
  const { violations, passes } = report.parse(await page.evaluate(RUN));
  if (passes.length < 10) throw new Error('axe has hardly looked at this page');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary}`));
}

interface View {
  name: string;
  show: (person: Person) => Promise<void>;
  width?: number;
}

const VIEWS: readonly View[] = [
  { name: 'the list of conversations', show: (ada) => ada.page.getByText('Pick a conversation').waitFor() },
  { name: 'a conversation', show: (ada) => opened(ada, '') },
  {
    name: 'a message that somebody points at',
    show: async (ada) => {
      await opened(ada, '');
      await ada.line('A quote').first().hover();
      await ada.line('A quote').first().getByRole('button', { name: 'React' }).waitFor();
    },
  },
  {
    name: 'a thread',
    show: async (ada) => {
      await opened(ada, '');
      await ada.page.getByTestId('thread-link').click();
      await ada.page.getByTestId('thread').getByText('a reply').waitFor();
    },
  },
  {
    name: 'the members',
    show: async (ada) => {
      await opened(ada, '/members');
      await ada.page.getByTestId('member').first().waitFor();
    },
  },
  {
    name: 'a search',
    show: async (ada) => {
      await opened(ada, '/search');
      await ada.page.getByLabel('Search this conversation').fill('quote');
      await ada.page.getByTestId('result').waitFor();
    },
  },
  {
    name: 'a dialog',
    show: async (ada) => {
      await ada.page.getByRole('button', { name: 'New conversation' }).click();
      await ada.page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'a menu',
    show: async (ada) => {
      await ada.page.getByRole('button', { name: /account and appearance/ }).click();
      await ada.page.getByRole('menu').waitFor();
    },
  },
  { name: 'a conversation on a phone', show: (ada) => opened(ada, ''), width: 390 },
];

async function opened(ada: Person, more: string): Promise<void> {
  await ada.open(session, more);
  await ada.sees('the last line');
}

requireOrSkip('a browser and nats-server', missing)('each view, in Chromium', () => {
  const people: Partial<Record<'light' | 'dark', Person>> = {};

  beforeAll(async () => {
    stack = await startStack();
    visitors = await openBrowser(stack, 'path' in found ? found.path : '');
    for (const colorScheme of ['light', 'dark'] as const) people[colorScheme] = await visitors.signIn('Ada', { colorScheme });
    const ada = people.light as Person;
    session = await ada.create('Views');
    await ada.say(
      '> A quote\n\n`code`, **bold**, [a link](https://example.com) and\n```ts\nlet x = 1;\n```\n| a | b |\n|---|---|\n| 1 | 2 |',
    );
    await ada.act('A quote', 'React');
    await ada.page.getByRole('button', { name: 'thumbs up' }).click();
    await ada.act('A quote', 'Reply');
    await ada.page.getByTestId('reply-composer').fill('a reply');
    await ada.page.getByTestId('reply-composer').press('Enter');
    await ada.sees('a reply');
    await ada.say('@Ada the last line');
    await ada.hasStatus('the last line', 'persisted');
  });
  afterAll(async () => {
    await visitors?.close();
    await stack?.stop();
  });

  test.each(['light', 'dark'] as const)('the page to sign in by has nothing serious for axe, %s', async (colorScheme) => {
    const page = await visitors.browser.newPage({ colorScheme });
    await page.goto(stack.url);
    await page.getByLabel('Your name').waitFor();
    expect(await seriousOf(page)).toEqual([]);
    await page.close();
  });

  const cases = VIEWS.flatMap((view) => (['light', 'dark'] as const).map((colorScheme) => ({ ...view, colorScheme })));
  test.each(cases)('$name has nothing serious for axe, $colorScheme', async ({ show, width, colorScheme }) => {
    const { page } = people[colorScheme] as Person;
    await page.setViewportSize({ width: width ?? 1280, height: 800 });
    await page.goto(stack.url);
    await page.getByTestId('session').first().waitFor();
    await show(people[colorScheme] as Person);
    expect(await seriousOf(page)).toEqual([]);
  });

  test('the keyboard is enough: from message to message, to its buttons, and back to writing', async () => {
    const ada = people.light as Person;
    const { page } = ada;
    await page.setViewportSize({ width: 1280, height: 800 });
    await opened(ada, '');
    await ada.line('the last line').focus();
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    const focused = page.locator('[data-testid="message"]:focus');
    await focused.filter({ hasText: 'A quote' }).waitFor();
    await ada.line('A quote').first().getByRole('toolbar', { name: 'Message' }).waitFor();
    await ada.line('A quote').first().getByRole('button', { name: 'Edit' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Edit message').waitFor();
    await page.keyboard.press('Escape');
    await page.getByLabel('Edit message').waitFor({ state: 'detached' });
  });

  test('nothing went wrong inside of the pages', () => expect(visitors.problems).toEqual([]));
});
