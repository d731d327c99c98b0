// `npm run screenshots`: starts a system, lets three talk in it, and writes what a browser then shows to docs/images.
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { Millrace, type Session } from '../../client/index.ts';
import { findChromium } from '../browser/chromium.ts';
import { openBrowser, type Person, type Visitors } from '../browser/people.ts';
import { startStack, type Stack } from '../support/stack.ts';

const FOLDER = resolve(dirname(fileURLToPath(import.meta.url)), '../../docs/images');
/** a page of docs is read over slow lines too */
const BYTES_MAX = 150_000;
const SESSION = 'spring-flood';
const WIDE = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 780 };

async function shoot(page: Page, name: string): Promise<void> {
  const path = join(FOLDER, `${name}.png`);
  // the pointer is nowhere, and nothing blinks
  await page.mouse.move(0, 0);
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' });
  const { size } = statSync(path);
  process.stdout.write(`docs/images/${name}.png: ${(size / 1_000).toFixed(0)} kB\n`);
  if (size > BYTES_MAX) throw new Error(`${name}.png is larger than ${BYTES_MAX} bytes`);
}

async function clientOf(stack: Stack, id: string, name: string, kind: 'user' | 'agent' = 'user'): Promise<Millrace> {
  const token = await stack.token(id, { name, kind });
  return new Millrace({ url: stack.url, getToken: () => token });
}

const said = async (session: Session, text: string, more: object = {}): Promise<string> => {
  const { id, settled } = session.send({ text, ...more });
  await settled;
  return id;
};

/** What is being talked about: enough of everything to be seen. */
async function talk(stack: Stack): Promise<{ stop: () => void }> {
  const ada = await clientOf(stack, 'Ada', 'Ada');
  const bo = await clientOf(stack, 'bo', 'Bo Lindqvist');
  const guide = await clientOf(stack, 'guide', 'Guide', 'agent');
  const members = [
    { userId: 'bo', role: 'member' },
    { userId: 'guide', role: 'member' },
  ] as const;
  for (const [id, title, text] of [
    ['harvest', 'Harvest week', 'The second wagon is here, unloading now.'],
    ['millstones', 'New millstones', 'They can deliver on the 14th, or a week later.'],
    ['welcome', 'Everyone at the mill', 'Welcome to Millrace: say hello.'],
  ] as const) {
    await ada.createSession({ id, title, visibility: 'public', members: [...members] });
    await said(bo.session(id), text);
  }
  await ada.createSession({ id: SESSION, title: 'Spring flood', visibility: 'public', members: [...members] });
  const [adas, bos, guides] = [ada, bo, guide].map((client) => client.session(SESSION)) as [Session, Session, Session];
  await said(bos, 'The upper gauge reads **2.4 m** and it is still rising.\n\n- sluice 1 is open\n- sluice 2 is half open');
  const asked = await said(adas, '@Guide what does the wheel take at most?', { mentions: ['guide'] });
  await said(
    guides,
    'The bearings are rated for 14 rpm. At the present head that is about `0.9 m³/s`:\n\n```\nhead   flow   wheel\n1.8 m  0.9    13.6 rpm\n2.1 m  1.1    15.9 rpm   over the limit\n```',
    {
      role: 'assistant',
      parentId: asked,
    },
  );
  await bos.react(asked, ':well-asked:');
  const decided = await said(adas, 'Then let us open sluice 2 all the way, before noon.');
  await said(bos, 'On it. Anything over 13 rpm rings the bell.', { parentId: decided });
  await bos.react(decided, ':agreed:');
  await trace(guides);
  const writer = await guides.stream({ role: 'assistant' });
  await writer.append('I watch the gauge and the wheel, and write here when one of them moves. At');
  const hold = bos.open();
  return {
    stop: () => {
      hold();
      for (const client of [ada, bo, guide]) client.close();
    },
  };
}

async function trace(session: Session): Promise<void> {
  const startMs = Date.now() - 60_000;
  const at = (ms: number): string => new Date(startMs + ms).toISOString();
  const traceId = 'wheel-limits';
  await session.command('trace.start', { id: traceId, name: 'What the wheel takes' });
  const spans = [
    ['root', undefined, 'answer Ada', 'agent', 0, 5_400],
    ['plan', 'root', 'plan', 'model', 120, 1_300],
    ['gauge', 'root', 'read the gauge', 'tool', 1_400, 1_900],
    ['sheet', 'root', 'look up the bearings', 'tool', 1_450, 2_700],
    ['search', 'sheet', 'search data sheets', 'tool', 1_500, 2_350],
    ['draft', 'root', 'write the answer', 'model', 2_800, 5_100],
  ] as const;
  for (const [spanId, parentSpanId, name, kind, from, to] of spans) {
    await session.command('trace.append', {
      traceId,
      spanId,
      ...(parentSpanId === undefined ? {} : { parentSpanId }),
      name,
      kind,
      startedAt: at(from),
      endedAt: at(to),
      ...(spanId === 'gauge' ? { input: { gauge: 'upper' }, output: { level: 2.4, unit: 'm', trend: 'rising' } } : {}),
    });
  }
  await session.command('trace.finish', { traceId, status: 'completed' });
}

async function shots(visitors: Visitors): Promise<void> {
  const ada = await visitors.signIn('Ada', { viewport: WIDE, colorScheme: 'light' });
  await open(ada);
  await shoot(ada.page, 'chat');
  await ada.page.emulateMedia({ colorScheme: 'dark' });
  await ada.line('Then let us open').getByTestId('thread-link').click();
  await ada.page.getByTestId('thread').getByText('On it').waitFor();
  await shoot(ada.page, 'chat-dark');
  await ada.page.emulateMedia({ colorScheme: 'light' });
  await ada.page.getByRole('link', { name: 'Traces' }).click();
  await ada.page.getByTestId('trace').click();
  await ada.page.getByTestId('span').filter({ hasText: 'read the gauge' }).click();
  await ada.page.getByTestId('span-details').waitFor();
  await shoot(ada.page, 'traces');
  await ada.page.setViewportSize(PHONE);
  await open(ada);
  await shoot(ada.page, 'phone');
}

async function open(ada: Person): Promise<void> {
  await ada.open(SESSION);
  await ada.sees('I watch the gauge');
  await ada.page.getByText(/2 here/).waitFor();
  // what is shown is read
  await ada.page.locator(`[data-testid="session"][data-id="${SESSION}"][data-unread="false"]`).waitFor();
}

async function main(): Promise<void> {
  const found = await findChromium();
  if ('missing' in found) throw new Error(`no Chromium: ${found.missing}`);
  mkdirSync(FOLDER, { recursive: true });
  const stack = await startStack();
  const visitors = await openBrowser(stack, found.path);
  try {
    const { stop } = await talk(stack);
    await shots(visitors);
    stop();
  } finally {
    await visitors.close();
    await stack.stop();
  }
}

await main();
