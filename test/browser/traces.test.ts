import { afterAll, beforeAll, expect, test } from 'vitest';
import { Millrace, type Session } from '../../client/index.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, startStack, type Stack } from '../support/stack.ts';
import { findChromium } from './chromium.ts';
import { openBrowser, type Person, type Visitors } from './people.ts';

const found = await findChromium();
const missing = 'missing' in found ? `Chromium: ${found.missing}` : natsServerMissing();
const START_MS = Date.parse('2026-01-01T10:00:00.000Z');

let stack: Stack;
let visitors: Visitors;
let ada: Person;
let session: string;
let agent: Millrace;
let work: Session;

const at = (ms: number): string => new Date(START_MS + ms).toISOString();

requireOrSkip('a browser and nats-server', missing)('traces, in Chromium', () => {
  beforeAll(async () => {
    stack = await startStack();
    visitors = await openBrowser(stack, 'path' in found ? found.path : '');
    ada = await visitors.signIn('Ada');
    session = await ada.create('With an agent');
    const token = await stack.token('guide', { kind: 'agent', name: 'Guide' });
    agent = new Millrace({ url: stack.url, getToken: () => token });
    work = agent.session(session);
    await work.command('member.put', { userId: 'guide', role: 'member' });
  });
  afterAll(async () => {
    agent?.close();
    await visitors?.close();
    await stack?.stop();
  });

  const span = (name: string) => ada.page.getByTestId('span').filter({ hasText: name });

  test('a trace is seen while it grows, each span where and as long as it was', async () => {
    await ada.page.getByRole('link', { name: 'Traces' }).click();
    await ada.page.getByText('No traces yet').waitFor();
    await work.command('trace.start', { id: 't1', name: 'Plan the mill' });
    await ada.page.getByTestId('trace').filter({ hasText: 'Plan the mill' }).click();
    await ada.page.getByText('No spans yet').waitFor();
    await work.command('trace.append', { traceId: 't1', spanId: 'root', name: 'plan', kind: 'agent', startedAt: at(0) });
    await span('plan').getByText('running').waitFor();
    await work.command('trace.append', {
      traceId: 't1',
      spanId: 'ask',
      parentSpanId: 'root',
      name: 'ask the model',
      kind: 'model',
      startedAt: at(1_000),
      endedAt: at(3_000),
      input: { prompt: 'how much <b>water</b>?' },
      output: 'enough',
    });
    await span('ask the model').getByText('2.00 s').waitFor();
    await work.command('trace.append', {
      traceId: 't1',
      spanId: 'root',
      name: 'plan',
      kind: 'agent',
      startedAt: at(0),
      endedAt: at(4_000),
    });
    await work.command('trace.finish', { traceId: 't1', status: 'completed' });
    await span('plan').getByText('4.00 s').waitFor();
    await ada.page.getByTestId('trace-view').getByText('completed', { exact: true }).first().waitFor();
    const [whole, part] = await Promise.all([bar('plan'), bar('ask the model')]);
    expect(part.x - whole.x).toBeCloseTo(whole.width / 4, -1);
    expect(part.width).toBeCloseTo(whole.width / 2, -1);
  });

  async function bar(name: string): Promise<{ x: number; width: number }> {
    const box = await span(name).locator('.span-bar').boundingBox();
    if (box === null) throw new Error(`${name} has no bar`);
    return box;
  }

  test('what went in and out of a span is shown as text, and spans are found by it', async () => {
    await span('ask the model').click();
    await ada.page.getByTestId('span-details').getByText('how much <b>water</b>?').waitFor();
    await ada.page.getByLabel('Filter spans').fill('WATER');
    await span('plan').waitFor({ state: 'detached' });
    expect(await ada.page.getByTestId('span').count()).toBe(1);
    await ada.page.getByLabel('Filter spans').fill('');
    await ada.page.getByLabel('Kind').selectOption('agent');
    await span('ask the model').waitFor({ state: 'detached' });
    expect(await ada.page.getByTestId('span').count()).toBe(1);
    expect(visitors.problems).toEqual([]);
  });
});
