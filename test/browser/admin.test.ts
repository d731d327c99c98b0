import { afterAll, beforeAll, expect, test } from 'vitest';
import { Backend } from '../support/backend.ts';
import { until, User } from '../support/client.ts';
import { ConsumerProcess } from '../support/consumer-processes.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { findChromium } from './chromium.ts';
import { openBrowser, SEEN_MS_MAX, type Person, type Visitors } from './people.ts';

/** An operator at /admin, on a real system whose history has a bug. The cases build on each other. */

const found = await findChromium();
const missing = 'missing' in found ? `Chromium: ${found.missing}` : natsServerMissing();
const SESSION = 'operated';
/** what is inside of a dead letter is text, whatever it looks like */
const POISON = 'poison that throws <img src=x onerror="window.pwned=1">';

let stack: Stack;
let visitors: Visitors;
let olga: Person;
let history: ConsumerProcess;
let others: ConsumerProcess;
let alice: User;

const startOthers = async (): Promise<ConsumerProcess> =>
  await ConsumerProcess.roles(stack, 'notifications,search,analytics,upkeep,query,admin,relay');

async function view(name: string): Promise<void> {
  await olga.page.getByRole('navigation', { name: 'Administration' }).getByRole('link', { name }).click();
}

const consumer = (name: string) => olga.page.getByTestId(`consumer-${name}`);

async function act(name: string, action: string, confirm?: string): Promise<void> {
  await consumer(name)
    .getByRole('button', { name: `What to do with ${name}` })
    .click();
  await olga.page.getByRole('menuitem', { name: action }).click();
  if (confirm !== undefined) await olga.page.getByRole('dialog').getByRole('button', { name: confirm }).click();
}

/** A figure of a consumer's card, by its name. */
async function figure(name: string, label: string): Promise<string> {
  const value = consumer(name).locator('dl > div').filter({ hasText: label }).locator('dd');
  return (await value.count()) === 0 ? '' : ((await value.textContent()) ?? '');
}

requireOrSkip('a browser and nats-server', missing)('the pages of operators, in Chromium', () => {
  beforeAll(async () => {
    stack = await startStack({ parts: ['nats', 'edge'] });
    history = await ConsumerProcess.start(stack, 'test/support/poisoned-history.ts');
    others = await startOthers();
    alice = new User(stack.url, await stack.token('alice'));
    await alice.create({ id: SESSION, title: 'Operated' });
    visitors = await openBrowser(stack, 'path' in found ? found.path : '');
    olga = await visitors.signIn('olga');
  });
  afterAll(async () => {
    await visitors?.close();
    await history?.stop();
    await others?.stop();
    await stack?.stop();
  });

  test('show who is no operator nothing, and on a local run let them become one', async () => {
    await olga.page.goto(`${stack.url}/admin`);
    await olga.page.getByRole('heading', { name: 'This is for operators' }).waitFor();
    await olga.page.getByRole('button', { name: 'Operate as olga' }).click();
    await olga.page.getByRole('heading', { name: 'Flow' }).waitFor({ state: 'attached' });
  });

  test('show the way of the events, and what each consumer has done', async () => {
    await alice.send(SESSION, 'all is well');
    await olga.page.getByText(/^(\d+) of \1$/).waitFor();
    for (const name of ['history', 'notifications', 'search', 'analytics', 'relay'])
      await consumer(name).getByText('up', { exact: true }).first().waitFor();
    await olga.waitsUntil('nothing waits', async () => (await figure('search', 'Waiting')) === '0');
  });

  test('a dead letter is found, looked into, and mended once the cause is', async () => {
    const { commandId } = await alice.send(SESSION, POISON);
    await until('it is buried', async () => (await alice.status(SESSION, commandId)).status === 'failed', SEEN_MS_MAX);
    await olga.page.getByText('1 dead letter waits for a decision.').waitFor();
    await olga.page.getByRole('link', { name: '1 of history' }).click();
    const letter = olga.page.getByTestId('letter');
    await letter.getByText('a bug of the projection').waitFor();
    await letter.getByRole('link').click();
    const dialog = olga.page.getByRole('dialog', { name: 'Dead letter' });
    await dialog.getByText('onerror').waitFor();
    expect(await olga.page.evaluate('window.pwned')).toBeUndefined();
    await dialog.getByRole('button', { name: 'Redrive' }).click();
    await olga.page.getByTestId('toast').getByText('a bug of the projection').waitFor();
    expect((await alice.status(SESSION, commandId)).status).toBe('failed');

    await history.stop();
    history = await ConsumerProcess.roles(stack, 'history');
    await dialog.getByRole('button', { name: 'Redrive' }).click();
    await olga.page.getByRole('heading', { name: 'There are none' }).waitFor();
    expect((await alice.status(SESSION, commandId)).status).toBe('persisted');
    await view('Log');
    await olga.page.getByRole('row').filter({ hasText: 'deadLetters.redrive' }).filter({ hasText: 'olga' }).waitFor();
  });

  test('refused commands are discarded and redriven in bulk', async () => {
    const backend = await Backend.connect(stack.nats);
    try {
      await backend.ready();
      for (const text of ['one', 'two', 'three'])
        await backend.ask(SESSION, { command: 'message.send', data: { text }, actor: { id: 'bob', kind: 'user' } });
    } finally {
      await backend.close();
    }
    await view('Dead letters');
    const letters = olga.page.getByTestId('letter');
    await olga.waitsUntil('all are listed', async () => (await letters.count()) === 3);
    await letters.first().getByRole('checkbox').check();
    await olga.page.getByRole('button', { name: 'Discard 1…' }).click();
    await olga.page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
    await olga.waitsUntil('two are left', async () => (await letters.count()) === 2);
    await alice.command('PUT', `/v1/sessions/${SESSION}/members/bob`, { role: 'member' });
    await olga.page.getByRole('button', { name: 'Redrive all letters…' }).click();
    await olga.page.getByRole('dialog').getByRole('button', { name: 'Redrive all' }).click();
    await olga.page.getByText('2 of 2 redriven').waitFor();
    await olga.page.getByRole('heading', { name: 'There are none' }).waitFor();
  });

  test('a consumer is paused and resumed, and what waits is seen', async () => {
    await view('Overview');
    await act('search', 'Pause…', 'Pause');
    await consumer('search').getByText('paused', { exact: true }).waitFor();
    await alice.send(SESSION, 'said meanwhile');
    await olga.waitsUntil('it waits', async () => Number(await figure('search', 'Waiting')) > 0);
    await act('search', 'Resume');
    await olga.waitsUntil('nothing waits', async () => (await figure('search', 'Waiting')) === '0');
    await consumer('search').getByText('up', { exact: true }).first().waitFor();
  });

  test('a read model is rebuilt, and its progress is seen', async () => {
    await act('search', 'Rebuild…', 'Rebuild');
    await consumer('search')
      .getByText(/Rebuild completed/)
      .waitFor();
  });

  test('a session is audited, and figures are charted', async () => {
    await view('Audit');
    await olga.page.getByLabel('Session').fill(SESSION);
    await olga.page.getByRole('button', { name: 'Compare', exact: true }).click();
    await olga.page.getByText('Edge, stream, archive and read models hold the same.').waitFor();
    await view('Analytics');
    const messages = olga.page.getByRole('figure').filter({ hasText: 'Messages' }).first();
    await messages.getByRole('button', { name: 'As a table' }).click();
    await olga.waitsUntil('the messages are counted', async () =>
      (await messages.getByRole('cell').allTextContents()).some((text) => Number(text) > 0),
    );
  });

  test('say what is down, part by part, and go on', async () => {
    await view('Overview');
    await history.stop();
    await olga.page.getByText('Nobody works on history.').waitFor();
    await others.stop();
    await olga.page.getByText('The consumers do not answer.').waitFor();
    await stack.stop('nats');
    await olga.page.getByText('The edge does not reach NATS.').waitFor();
    await stack.stop('edge');
    await olga.page.getByRole('heading', { name: 'The edge does not answer' }).waitFor();
    await olga.page.getByText(/What is shown is \d+ s old/).waitFor();
    await stack.start('nats');
    await stack.start('edge');
    [history, others] = await Promise.all([ConsumerProcess.roles(stack, 'history'), startOthers()]);
    await olga.page.getByRole('heading', { name: 'All is well' }).waitFor();
    expect(visitors.problems).toEqual([]);
  });
});
