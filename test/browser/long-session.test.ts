import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { User } from '../support/client.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { findChromium } from './chromium.ts';
import { LOOK, SCROLL_TO_FIRST } from './list-probe.ts';
import { openBrowser, type Person, type Visitors } from './people.ts';

const MESSAGES = 50_000;
const SESSION = 'long';
/** rows in the page, whatever the session holds; a screen shows about twenty */
const ROWS_MAX = 120;
/** commands of the one socket that are not answered yet */
const UNDER_WAY_MAX = 500;
const FILL_MS_MAX = 5 * 60_000;
const SCROLL_MS_MAX = 5 * 60_000;
const MANY = '1000000';
const LIMITS = [
  'LIMIT_COMMANDS_PER_S',
  'LIMIT_COMMANDS_BURST',
  'LIMIT_SESSION_COMMANDS_PER_S',
  'LIMIT_FRAMES_PER_S',
  'LIMIT_FRAMES_BURST',
  'LIMIT_UNPERSISTED_EVENTS',
];

const seen = z.object({ ordinals: z.array(z.number()), gapPx: z.number(), rows: z.number(), scrollTop: z.number() });
const scrolled = z.object({ pages: z.number(), rowsMost: z.number(), faults: z.array(z.string()) });

const found = await findChromium();
const missing = 'missing' in found ? `Chromium: ${found.missing}` : natsServerMissing();

let stack: Stack;
let visitors: Visitors;
let ada: Person;
let early: string;

async function look(): Promise<z.infer<typeof seen>> {
  return seen.parse(await ada.page.evaluate(LOOK));
}

/** What is seen is one run of messages, row on row, and not many more are in the page. */
async function seesOneRun(): Promise<number[]> {
  // rows are measured when they come into the page
  await ada.waitsUntil('row stands on row', async () => (await look()).gapPx < 2);
  const { ordinals, rows } = await look();
  const first = ordinals[0] ?? 0;
  expect(ordinals.length).toBeGreaterThan(5);
  expect(ordinals).toEqual(ordinals.map((_, index) => first + index));
  expect(rows).toBeLessThanOrEqual(ROWS_MAX);
  return ordinals;
}

/** One socket, whose commands are taken in the order sent: the text of each message is its number. */
async function fill(): Promise<void> {
  const user = new User(stack.url, await stack.token('Ada'), FILL_MS_MAX);
  await user.create({ id: SESSION, title: 'A long one' });
  const { socket } = await user.watch(SESSION);
  const underWay = new Set<Promise<unknown>>();
  for (let ordinal = 1; ordinal <= MESSAGES; ordinal += 1) {
    const sent = socket.command('message.send', { text: String(ordinal), id: `m${ordinal}` }, `k${ordinal}`).then((outcome) => {
      underWay.delete(sent);
      if (outcome.kind !== 'ack') throw new Error(`message ${ordinal} was not taken: ${JSON.stringify(outcome)}`);
    });
    underWay.add(sent);
    if (underWay.size >= UNDER_WAY_MAX) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  await user.close();
  early = 'm1234';
}

requireOrSkip('a browser and nats-server', missing)(`a session of ${MESSAGES} messages, in Chromium`, () => {
  beforeAll(async () => {
    stack = await startStack({ env: Object.fromEntries(LIMITS.map((name) => [name, MANY])) });
    await fill();
    visitors = await openBrowser(stack, 'path' in found ? found.path : '');
    ada = await visitors.signIn('Ada');
  }, FILL_MS_MAX);
  afterAll(async () => {
    await visitors?.close();
    await stack?.stop();
  });

  test('opens at its end', async () => {
    await ada.open(SESSION);
    await ada.sees(String(MESSAGES));
    expect((await seesOneRun()).at(-1)).toBe(MESSAGES);
  });

  test('a link leads to a message far back, from where one can read on both ways, and back to the end', async () => {
    await ada.open(SESSION, `?m=${early}`);
    await ada.line('1234').and(ada.page.locator('[data-target="true"]')).waitFor();
    expect(await seesOneRun()).toContain(1_234);
    const list = ada.page.getByTestId('messages');
    for (const [deltaY, reached] of [
      [8_000, 1_300],
      [-20_000, 1_100],
    ] as const) {
      await list.hover();
      await ada.waitsUntil(`${reached} is reached`, async () => {
        await ada.page.mouse.wheel(0, deltaY / 10);
        const { ordinals } = await look();
        return deltaY > 0 ? (ordinals.at(-1) ?? 0) >= reached : (ordinals[0] ?? Infinity) <= reached;
      });
      await seesOneRun();
    }
    await ada.page.getByTestId('to-newest').click();
    await ada.sees(String(MESSAGES));
    await ada.waitsUntil('the end is shown', async () => (await look()).ordinals.at(-1) === MESSAGES);
    await seesOneRun();
  });

  test(
    'scrolls from its end to its first message without a gap, and keeps few rows',
    async () => {
      await ada.open(SESSION);
      await ada.sees(String(MESSAGES));
      const { pages, rowsMost, faults } = scrolled.parse(await ada.page.evaluate(SCROLL_TO_FIRST));
      expect(faults).toEqual([]);
      expect(pages).toBeGreaterThan(100);
      expect(rowsMost).toBeLessThanOrEqual(ROWS_MAX);
      expect((await seesOneRun())[0]).toBe(1);
      expect(visitors.problems).toEqual([]);
    },
    SCROLL_MS_MAX,
  );
});
