import { describe, expect, it } from 'vitest';
import { ReceiptSpans } from '../../../consumers/receipts/receipt-spans.ts';
import { BatchHandler } from '../../../consumers/runtime/batch.ts';
import { letterHeaders } from '../../../consumers/runtime/dead-letters.ts';
import { beginSpan } from '../../../consumers/relay/relay-spans.ts';
import { StoreUnavailable } from '../../../consumers/stores/store-unavailable.ts';
import { readTraces } from '../../../shared/telemetry/trace-header.ts';
import { anEvent } from '../../contracts/events.ts';
import { RecordingTracer } from '../../support/recording-tracer.ts';
import { bench, messageOf } from './fakes.ts';

const traceOf = (id: number, flags = '01'): string => `00-${String(id).padStart(32, '0')}-${'1'.repeat(16)}-${flags}`;
const traced = (seq: number, flags?: string) => ({ ...anEvent('message.created', { seq }), traceparent: traceOf(seq, flags) });

describe('a batch', () => {
  it('has one span linked to every recorded trace, and each of these has its own, with a write in it', async () => {
    const tracer = new RecordingTracer();
    const { ports } = bench({ database: 'sqlite' }, { tracer });
    const batch = [
      messageOf(traced(1)),
      messageOf(traced(2, '00')),
      messageOf(traced(3)),
      messageOf(anEvent('message.created', { seq: 4 })),
    ];
    await new BatchHandler(ports).process(batch, () => undefined);
    const name = ports.projection.name;
    const [whole] = tracer.named(`process batch ${name}`);
    expect(whole).toMatchObject({
      links: [traceOf(1), traceOf(3)],
      ended: 1,
      attributes: { 'messaging.batch.message_count': 4 },
    });
    const each = tracer.named(`process ${name}`);
    expect(each.map(({ parent }) => parent)).toEqual([traceOf(1), traceOf(3)]);
    for (const span of each) expect(span).toMatchObject({ links: [whole?.traceparent], ended: 1, errorType: undefined });
    const writes = tracer.named(`BATCH ${name}`);
    expect(writes.map(({ parent }) => parent)).toEqual(each.map(({ traceparent }) => traceparent));
    expect(writes[0]).toMatchObject({ ended: 1, attributes: { 'db.system.name': 'sqlite', 'db.operation.batch.size': 4 } });
  });

  it('of traces that nobody records has none', async () => {
    const tracer = new RecordingTracer();
    const { ports } = bench({}, { tracer });
    await new BatchHandler(ports).process([messageOf(traced(1, '00'))], () => undefined);
    expect(tracer.spans).toEqual([]);
  });

  it('that a store refuses for long has a bounded number of writes in each trace', async () => {
    const tracer = new RecordingTracer();
    let tries = 0;
    const handle = async (works: readonly unknown[]) => {
      tries += 1;
      if (tries < 50) throw new StoreUnavailable('away');
      return await Promise.resolve(works.map(() => ({ kind: 'ok' as const })));
    };
    const { ports } = bench({ handle }, { tracer });
    await new BatchHandler(ports).process([messageOf(traced(1))], () => undefined);
    expect(tries).toBe(50);
    const writes = tracer.spans.filter(({ kind }) => kind === 'client');
    expect(writes).toHaveLength(10);
    expect(writes.every(({ errorType, ended }) => errorType === 'unavailable' && ended === 1)).toBe(true);
    expect(tracer.named(`process ${ports.projection.name}`)).toMatchObject([{ ended: 1, errorType: undefined }]);
  });

  it('keeps the trace of what it buries: in its span, its letter and its log line', async () => {
    const tracer = new RecordingTracer();
    const lines: Record<string, unknown>[] = [];
    const handle = async () => await Promise.resolve([{ kind: 'poison' as const, reason: 'bad_rows', detail: 'secret words' }]);
    const { ports, letters } = bench({ handle }, { tracer, log: (_level, msg, fields) => void lines.push({ msg, ...fields }) });
    await new BatchHandler(ports).process([messageOf(traced(1))], () => undefined);
    const [span] = tracer.named(`process ${ports.projection.name}`);
    expect(span).toMatchObject({ errorType: 'bad_rows', ended: 1 });
    expect(tracer.named('send MILLRACE_DEAD_LETTERS')).toMatchObject([{ parent: span?.traceparent, ended: 1 }]);
    const [letter] = letters;
    if (letter === undefined) throw new Error('there is no letter');
    expect(letterHeaders(letter)).toContainEqual(['traceparent', span?.traceparent]);
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'dead letter', trace_id: traceOf(1).slice(3, 35) }));
    expect(JSON.stringify(lines)).not.toContain('secret words');
  });

  it('looks for the trace of what must not be read only after it is buried', async () => {
    const tracer = new RecordingTracer();
    const { ports } = bench({}, { tracer });
    const message = messageOf(traced(1), { deliveries: 11 });
    await new BatchHandler(ports).process([message], () => undefined);
    expect(message.told).toEqual(['terminate deliveries_exhausted']);
    expect(tracer.named(`process ${ports.projection.name}`)).toMatchObject([
      { parent: traceOf(1), errorType: 'deliveries_exhausted', ended: 1, attributes: { 'millrace.attempts': 11 } },
    ]);
  });
});

describe('a receipt', () => {
  const place = (seq: number) => ({ tenant: 'default', sessionId: 's1', seq });
  const receipt = (from: number, to: number, sessionId = 's1') => ({
    tenant: 'default',
    sessionId,
    seqs: [[from, to] as [number, number]],
    publishedAt: 1,
    persistedAt: 2,
  });

  it('names the traces in it, and ends their spans once it is taken', () => {
    const tracer = new RecordingTracer();
    const spans = new ReceiptSpans(tracer);
    for (const seq of [1, 2, 9]) spans.begin(place(seq), traceOf(seq));
    spans.begin(place(1), traceOf(1));
    spans.begin(place(3), traceOf(3, '00'));
    const receipts = [receipt(1, 9, 'other'), receipt(1, 5)];
    expect(readTraces(spans.headerOf(receipts)).map(({ index, seq }) => [index, seq])).toEqual([
      [1, 1],
      [1, 2],
    ]);
    spans.taken(receipts);
    expect(tracer.spans.map(({ ended }) => ended)).toEqual([1, 1, 0]);
    expect(spans.headerOf([receipt(1, 5)])).toBeUndefined();
  });

  it('P9: of an edge that is away keeps a bounded number of spans', () => {
    const tracer = new RecordingTracer();
    const spans = new ReceiptSpans(tracer);
    for (let seq = 1; seq <= 1_500; seq += 1) spans.begin(place(seq), traceOf(seq));
    expect(tracer.spans.filter(({ ended }) => ended === 0)).toHaveLength(1_000);
    expect(tracer.spans[0]).toMatchObject({ ended: 1, errorType: 'not_followed' });
  });
});

describe('a command of a backend', () => {
  const message = (payload: string, headers: [string, string][] = []) => ({
    ...messageOf(anEvent('message.created', { seq: 1 })),
    data: new TextEncoder().encode(payload),
    headers,
  });

  it.each([
    ['its own', JSON.stringify({ traceparent: traceOf(1) }), [['traceparent', traceOf(2)]], traceOf(1)],
    ['its message’s, as of a letter', JSON.stringify({ command: 'x' }), [['traceparent', traceOf(2)]], traceOf(2)],
    ['its message’s, where it cannot be read', '{', [['traceparent', traceOf(2)]], traceOf(2)],
    ['its message’s, where its own is none', JSON.stringify({ traceparent: 7 }), [['traceparent', traceOf(2)]], traceOf(2)],
  ] as const)('belongs to the trace that is %s', (_what, payload, headers, parent) => {
    const tracer = new RecordingTracer();
    beginSpan(tracer, message(payload, headers as unknown as [string, string][]));
    expect(tracer.spans).toMatchObject([{ parent, kind: 'consumer' }]);
  });
});
