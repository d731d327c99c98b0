import { describe, expect, test, vi } from 'vitest';
import type { TraceDetail } from '../../../shared/contract/answers.ts';
import type { SpanData } from '../../../shared/core/trace.ts';
import type { Event } from '../../../shared/core/types.ts';
import type { SpanItem, TracePage } from '../../../worker/session/api.ts';
import { event, problem, startOf, traceItem, world } from './support.ts';

/** The Worker's half of the queries for traces: what the tail does not hold comes from the archive, or the answer is 503. */

const STARTED = '2026-01-01T00:00:00.000Z';
const ITEM = { ...traceItem(1), spanCount: 2 };
const START = startOf(ITEM);

function part(seq: number, more: Partial<SpanData> = {}): Event {
  const span = { spanId: 'a', name: `part ${seq}`, startedAt: STARTED, ...more };
  return event(seq, { type: 'trace.span', subject: 't1', data: { traceId: 't1', traceSeq: 1, span } });
}

function item(spanId: string, ...partSeqs: number[]): SpanItem {
  return { spanId, seq: partSeqs[0] ?? 0, partSeqs };
}

/** An archive with these events, of which it gives at most `atOnce` in one answer. */
async function asked(path: string, page: Partial<TracePage>, archive: readonly Event[], atOnce = 100) {
  const it = world();
  const whole = { item: ITEM, spans: [], events: [], ...page };
  it.session.traceById.mockResolvedValue({ ok: true, value: whole });
  it.session.traces.mockResolvedValue({ ok: true, value: { items: [whole.item], events: whole.events } });
  it.uplink.request.mockImplementation(async (_subject, payload) => {
    const { op, seqs } = JSON.parse(payload) as { op: string; seqs: number[] };
    expect(op).toBe('eventsAt');
    const events = seqs.flatMap((seq) => archive.filter((each) => each.seq === seq)).slice(0, atOnce);
    return { ok: true, payload: JSON.stringify({ ok: true, op, events }) };
  });
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined);
  const response = await it.as('GET', `/v1/sessions/s1${path}`);
  log.mockRestore();
  return { it, response };
}

async function spansOf(response: Response): Promise<TraceDetail['spans']> {
  expect(response.status).toBe(200);
  return ((await response.json()) as TraceDetail).spans;
}

describe('a trace', () => {
  test('of the tail needs no archive', async () => {
    const spans = [item('a', 2, 4), item('b', 3)];
    const events = [START, part(2, { input: 1 }), part(3, { spanId: 'b' }), part(4, { endedAt: '2026-01-01T00:00:00.250Z' })];
    const { it, response } = await asked('/traces/t1', { spans, events, nextCursor: 'n' }, []);
    expect(await response.json()).toEqual({
      id: 't1',
      sessionId: 's1',
      seq: 1,
      author: { id: 'alice', kind: 'user' },
      name: 'plan',
      status: 'running',
      startedAt: '1970-01-01T00:00:01.000Z',
      metadata: { from: 'start' },
      spanCount: 2,
      spans: [
        {
          spanId: 'a',
          seq: 2,
          name: 'part 4',
          kind: 'other',
          startedAt: STARTED,
          endedAt: '2026-01-01T00:00:00.250Z',
          durationMs: 250,
          input: 1,
          metadata: {},
        },
        { spanId: 'b', seq: 3, name: 'part 3', kind: 'other', startedAt: STARTED, metadata: {} },
      ],
      nextCursor: 'n',
    });
    expect(it.uplink.request).not.toHaveBeenCalled();
  });

  test('is put together of tail and archive, in as many answers as it takes', async () => {
    const spans = [item('a', 2, 3, 9)];
    const archive = [START, part(2, { input: 1 }), part(3, { output: 2 })];
    const { it, response } = await asked('/traces/t1', { spans, events: [part(9)] }, archive, 1);
    expect(await spansOf(response)).toMatchObject([{ name: 'part 9', input: 1, output: 2 }]);
    expect(it.uplink.request.mock.calls.map(([, payload]) => (JSON.parse(payload) as { seqs: number[] }).seqs)).toEqual([
      [1, 2, 3],
      [2, 3],
      [3],
    ]);
  });

  test('takes no less than no time where its parts disagree', async () => {
    const events = [START, part(2, { endedAt: '2025-12-31T00:00:00.000Z' })];
    const { response } = await asked('/traces/t1', { spans: [item('a', 2)], events }, []);
    expect(await spansOf(response)).toMatchObject([{ durationMs: 0 }]);
  });

  test.each([
    ['lacks one', [START]],
    ['has one of another span', [START, part(2, { spanId: 'b' })]],
    ['has one of another kind', [START, event(2)]],
    ['has one of another session', [START, { ...part(2), sessionid: 's2' }]],
    ['has one of another tenant', [START, { ...part(2), tenant: 'acme' }]],
    ['has another start', [startOf(traceItem(1, { id: 't2' })), part(2)]],
  ] as const)('is 503 when the archive %s', async (_, archive) => {
    const { response } = await asked('/traces/t1', { spans: [item('a', 2)] }, archive as readonly Event[]);
    expect((await problem(response)).code).toBe('unavailable');
  });

  test.each([1, 2])('that was purged between the two reads is 404: seq %i is erased', async (seq) => {
    const archive = [START, part(2)].map((each): Event => {
      return each.seq === seq ? { ...each, data: { id: 't1', erased: true } } : each;
    });
    const { response } = await asked('/traces/t1', { spans: [item('a', 2)] }, archive);
    expect((await problem(response)).code).toBe('trace_not_found');
  });

  test('with a malformed id is unknown, to those who may see the session', async () => {
    const { as, session } = world();
    expect((await problem(await as('GET', '/v1/sessions/s1/traces/a%20b'))).code).toBe('trace_not_found');
    session.describe.mockResolvedValue({ ok: false, refusal: { code: 'session_not_found', detail: '' } });
    expect((await problem(await as('GET', '/v1/sessions/s1/traces/a%20b'))).code).toBe('session_not_found');
  });
});

describe('traces', () => {
  test('come without spans, and those purged between the two reads not at all', async () => {
    const { response } = await asked('/traces', {}, [START]);
    const { items } = (await response.json()) as { items: object[] };
    expect(items).toMatchObject([{ id: 't1', spanCount: 2 }]);
    expect(items[0]).not.toHaveProperty('spans');
    const erased: Event = { ...START, data: { id: 't1', erased: true } };
    expect(await (await asked('/traces', {}, [erased])).response.json()).toEqual({ items: [] });
  });

  test('are 503 when the archive lacks one', async () => {
    expect((await problem((await asked('/traces', {}, [])).response)).code).toBe('unavailable');
  });
});
