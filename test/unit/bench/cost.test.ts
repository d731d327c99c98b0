import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { EXAMPLE, monthOf } from '../../../bench/cost/month.ts';
import { INCLUDED_PER_MONTH, priceOf, PRICES } from '../../../bench/cost/prices.ts';
import type { Kind } from '../../../bench/cost/run.ts';
import { usageBetween, type Usage } from '../../../bench/cost/usage.ts';

const page = readFileSync(new URL('../../../docs/cost.md', import.meta.url), 'utf8');

/** The cells of a row of the page, by its first cell. */
function row(first: string): string[] {
  const line = page.split('\n').find((each) => each.startsWith(`| ${first} |`));
  if (line === undefined) throw new Error(`docs/cost.md has no row "${first}"`);
  return line
    .split('|')
    .slice(2, -1)
    .map((cell) => cell.replaceAll('*', '').replaceAll(',', '').trim());
}

const KINDS: readonly Kind[] = [
  'lone message',
  'message of a burst',
  'reaction',
  'chunk',
  'connection',
  'idle hour',
  'idle hour with sockets',
];

function usageOf(kind: Kind): Usage {
  const [rowsWritten, objectRequests, socketMessages, alarms, wakes, workerRequests, activeMs] = row(kind).map(Number);
  const all = { rowsWritten, objectRequests, socketMessages, alarms, wakes, workerRequests, activeMs };
  if (Object.values(all).some((value) => value === undefined || Number.isNaN(value))) throw new Error(`the row of ${kind}`);
  return { ...(all as Omit<Usage, 'rows' | 'calls'>), rows: {}, calls: {} };
}

test('counts between two looks become what one of so many costs', () => {
  const before = { 'Session.rows.events': 5, 'Session.wakes': 1 };
  const after = {
    'Session.rows.events': 15,
    'Session.rows.alarm': 10,
    'Session.wakes': 1,
    'Session.calls.execute': 10,
    'Session.calls.alarm': 20,
    'Session.calls.webSocketMessage': 40,
    'Session.calls.webSocketClose': 10,
    'Session.activeMs': 50,
    'Worker.requests.public': 10,
  };
  expect(usageBetween(before, after, 10)).toEqual({
    workerRequests: 1,
    objectRequests: 3,
    socketMessages: 4,
    alarms: 2,
    wakes: 0,
    rowsWritten: 2,
    activeMs: 5,
    rows: { 'Session.events': 1, 'Session.alarm': 1 },
    calls: { 'Session.execute': 1, 'Session.alarm': 2, 'Session.webSocketMessage': 4, 'Session.webSocketClose': 1 },
  });
});

test('twenty messages of sockets are billed as one request', () => {
  const nothing = { workerRequests: 0, objectRequests: 0, socketMessages: 0, rowsWritten: 0, activeMs: 0 };
  expect(priceOf({ ...nothing, socketMessages: 20 }).total).toBeCloseTo(priceOf({ ...nothing, objectRequests: 1 }).total, 12);
  expect(priceOf({ ...nothing, rowsWritten: 1_000_000 })).toMatchObject({ requests: 0, rows: 1, duration: 0, total: 1 });
});

test('the page and the bench have the same prices, as of the same day', () => {
  expect(page).toContain(`read on ${PRICES.date}`);
  const of = (first: string): (number | undefined)[] => row(first).map((cell) => (cell === '' ? undefined : Number(cell)));
  expect(of('the plan, a month')).toEqual([PRICES.planPerMonth, undefined]);
  expect(of('a million Worker requests')).toEqual([PRICES.workerRequestsPerMillion, INCLUDED_PER_MONTH.workerRequests]);
  expect(of(`a million object requests (${PRICES.socketMessagesPerRequest} messages of sockets are one)`)).toEqual([
    PRICES.objectRequestsPerMillion,
    INCLUDED_PER_MONTH.objectRequests,
  ]);
  expect(of('a million rows written')).toEqual([PRICES.rowsWrittenPerMillion, INCLUDED_PER_MONTH.rowsWritten]);
  expect(of('a million GB-s in which objects are awake')).toEqual([
    PRICES.gigabyteSecondsPerMillion,
    INCLUDED_PER_MONTH.gigabyteSeconds,
  ]);
  expect(of('a GB stored, a month')).toEqual([PRICES.storedGigabytesPerMonth, INCLUDED_PER_MONTH.storedGigabytes]);
});

test('the worked example is what the formula makes of the counts on the page', () => {
  const counted = Object.fromEntries(KINDS.map((kind) => [kind, usageOf(kind)])) as Record<Kind, Usage>;
  const month = monthOf(EXAMPLE, counted);
  const line = (used: number, included: number, price: number): string[] => {
    const beyond = Math.max(0, used - included);
    return [used, beyond].map((value) => String(Math.round(value))).concat((beyond * price).toFixed(2));
  };
  const million = 1_000_000;
  expect(row('rows written')).toEqual(
    line(month.rowsWritten, INCLUDED_PER_MONTH.rowsWritten, PRICES.rowsWrittenPerMillion / million),
  );
  expect(row('object requests')).toEqual(
    line(month.objectRequests, INCLUDED_PER_MONTH.objectRequests, PRICES.objectRequestsPerMillion / million),
  );
  expect(row('Worker requests')).toEqual(
    line(month.workerRequests, INCLUDED_PER_MONTH.workerRequests, PRICES.workerRequestsPerMillion / million),
  );
  expect(row('GB-s')).toEqual(
    line(month.gigabyteSeconds, INCLUDED_PER_MONTH.gigabyteSeconds, PRICES.gigabyteSecondsPerMillion / million),
  );
  expect(row('**the month**').at(-1)).toBe(month.total.toFixed(2));
});
