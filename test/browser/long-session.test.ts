import { afterAll, beforeAll, expect, test } from 'vitest';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { findChromium } from './chromium.ts';
import { openBrowser, type Person, type Visitors } from './people.ts';

const MESSAGES = 50_000;
const SESSION = 'long';
/** rows in the page, whatever the session holds; a screen shows about twenty */
const ROWS_MAX = 120;
const LANES = 64;
const MANY = '1000000';

const found = await findChromium();
const missing = 'missing' in found ? `Chromium: ${found.missing}` : natsServerMissing();

let stack: Stack;
let visitors: Visitors;
let ada: Person;

/** The ordinals that the texts on the screen begin with, from above to below, and how much of the list they leave uncovered. */
const LOOK = `(() => {
  const list = document.querySelector('[data-testid="messages"]');
  const { top, bottom } = list.getBoundingClientRect();
  const rows = [...list.querySelectorAll('[data-testid="message"]')];
  const seen = rows
    .map((row) => ({ box: row.getBoundingClientRect(), ordinal: Number(/\\d+/.exec(row.querySelector('.prose').textContent)[0]) }))
    .filter(({ box }) => box.bottom > top && box.top < bottom)
    .sort((a, b) => a.box.top - b.box.top);
  let uncovered = 0;
  let at = top;
  for (const { box } of seen) {
    uncovered = Math.max(uncovered, box.top - at);
    at = Math.max(at, box.bottom);
  }
  return { ordinals: seen.map(({ ordinal }) => ordinal), uncovered, rows: rows.length, top: list.scrollTop, below: bottom - at };
})()`;

interface Look {
  ordinals: number[];
  /** the widest gap between two rows, in px */
  uncovered: number;
  rows: number;
  top: number;
  /** px below the last row */
  below: number;
}

async function look(): Promise<Look> {
  return (await ada.page.evaluate(LOOK)) as Look;
}

/** What is seen is one run of messages, row on row, and not much more is in the page. */
function isWhole({ ordinals, uncovered, rows }: Look): boolean {
  const first = ordinals[0] ?? 0;
  return ordinals.length > 5 && uncovered < 2 && rows <= ROWS_MAX && ordinals.every((ordinal, index) => ordinal === first + index);
}

async function fill(): Promise<void> {
  const headers = { authorization: `Bearer ${await stack.token('Ada')}`, 'content-type': 'application/json' };
  const post = async (path: string, body: object): Promise<void> => {
    const response = await fetch(`${stack.url}/v1/sessions${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    await response.arrayBuffer();
    if (response.status !== 202) throw new Error(`${path}: ${response.status}`);
  };
  await post('', { id: SESSION, title: 'A long one' });
  // one after the other: their numbers are their order
  let next = 1;
  const socketless = async (): Promise<void> => {
    for (let ordinal = next++; ordinal <= MESSAGES; ordinal = next++) await post(`/${SESSION}/messages`, { text: String(ordinal) });
  };
  await Promise.all(Array.from({ length: LANES }, socketless));
}

requireOrSkip('a browser and nats-server', missing)(`a session of ${MESSAGES} messages, in Chromium`, () => {
  beforeAll(async () => {
    stack = await startStack({
      env: { LIMIT_COMMANDS_PER_S: MANY, LIMIT_COMMANDS_BURST: MANY, LIMIT_SESSION_COMMANDS_PER_S: MANY, LIMIT_UNPERSISTED_EVENTS: MANY },
    });
    await fill();
    visitors = await openBrowser(stack, 'path' in found ? found.path : '');
    ada = await visitors.signIn('Ada');
    await ada.open(SESSION);
  }, 300_000);
  afterAll(async () => {
    await visitors?.close();
    await stack?.stop();
  });

  test('placeholder', async () => {
    console.log(await look());
    expect(isWhole(await look())).toBe(true);
  });
});
