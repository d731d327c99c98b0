import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Telemetry } from '../../consumers/runtime/telemetry.ts';
import { ensureTelemetryPackages } from '../../scripts/launch/telemetry-packages.mjs';
import type { SamplerName } from '../../shared/telemetry/settings.ts';
import { isSampled, readTraceparent } from '../../shared/telemetry/traceparent.ts';
import { OtlpReceiver } from '../support/otlp-receiver.ts';

/** Who decides what is recorded, by OpenTelemetry's own samplers: the packages themselves, and no server. */

const RECORDED = 'recorded';
const EMPTY = 'empty';

let collector: OtlpReceiver;
let start: (sampler: SamplerName, ratio?: number) => Telemetry;

function newTraceparent(flags: '00' | '01'): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-${flags}`;
}

beforeAll(async () => {
  await ensureTelemetryPackages(['consumers/telemetry']);
  const { startTelemetry } = await import('../../consumers/telemetry/start.ts');
  collector = await OtlpReceiver.start();
  start = (sampler, ratio = 1) =>
    startTelemetry(
      { url: `${collector.url}/v1/traces`, headers: {}, sampler, ratio, serviceName: 'millrace-test', resource: {} },
      () => undefined,
    );
});
afterAll(async () => await collector?.stop());

// what a head makes of a caller who names no trace, of one who does not record it, and of one who does
test.each<[SamplerName, number, none: string | undefined, unrecorded: string, recorded: string]>([
  ['parentbased_always_on', 1, RECORDED, EMPTY, RECORDED],
  ['parentbased_always_off', 1, undefined, EMPTY, RECORDED],
  ['parentbased_traceidratio', 0, undefined, EMPTY, RECORDED],
  ['parentbased_traceidratio', 1, RECORDED, EMPTY, RECORDED],
  ['traceidratio', 0, undefined, EMPTY, EMPTY],
  ['always_on', 1, RECORDED, RECORDED, RECORDED],
  ['always_off', 1, undefined, EMPTY, EMPTY],
])('%s at %d', async (sampler, ratio, ...expected) => {
  const { tracer, stop } = start(sampler, ratio);
  const made = [undefined, newTraceparent('00'), newTraceparent('01')].map((parent) => {
    const span = tracer.head('a head', parent);
    span?.end();
    if (parent !== undefined) expect(readTraceparent(span?.traceparent)?.traceId).toBe(readTraceparent(parent)?.traceId);
    return span && (isSampled(span.traceparent) ? RECORDED : EMPTY);
  });
  expect(made).toEqual(expected);
  // what was decided at a head goes for all behind it, whatever this process would have decided
  expect(tracer.child('a child', newTraceparent('00'))).toBeUndefined();
  expect(tracer.child('a child', undefined)).toBeUndefined();
  expect(isSampled(tracer.child('a child', newTraceparent('01'))?.traceparent)).toBe(true);
  expect(tracer.linked('a batch', [newTraceparent('00')])).toBeUndefined();
  expect(isSampled(tracer.linked('a batch', [newTraceparent('00'), newTraceparent('01')])?.traceparent)).toBe(true);
  await stop();
});

test('one in ten is about one in ten', async () => {
  const { tracer, stop } = start('parentbased_traceidratio', 0.1);
  const heads = Array.from({ length: 5_000 }, () => tracer.head('a head', undefined)).filter((span) => span !== undefined);
  // five standard deviations
  expect(Math.abs(heads.length - 500)).toBeLessThan(110);
  await stop();
});

test('a span arrives as it was said, and no value or number of links is without a bound', async () => {
  const { tracer, stop } = start('parentbased_always_on');
  const parent = newTraceparent('01');
  const span = tracer.child('a child', parent, {
    kind: 'producer',
    attributes: { text: 'x'.repeat(10_000), n: 7 },
    startMs: 1_000,
  });
  span?.set({ late: true });
  span?.fail('broken');
  span?.end(3_500);
  tracer
    .linked(
      'a batch',
      Array.from({ length: 1_000 }, () => newTraceparent('01')),
    )
    ?.end();
  await stop();
  const [received] = collector.trace(readTraceparent(parent)?.traceId ?? '');
  expect(received).toMatchObject({
    parentSpanId: readTraceparent(parent)?.spanId,
    spanId: readTraceparent(span?.traceparent)?.spanId,
    name: 'a child',
    kind: 4,
    startMs: 1_000,
    endMs: 3_500,
    service: 'millrace-test',
    isError: true,
    attributes: { n: 7, late: true, 'error.type': 'broken', text: 'x'.repeat(256) },
  });
  expect(collector.spans.find(({ name }) => name === 'a batch')?.links).toHaveLength(64);
});

test('a collector that hangs ends no process late', async () => {
  collector.fault = 'hang';
  const { tracer, stop } = start('always_on');
  for (let spans = 0; spans < 5_000; spans += 1) tracer.head('a head', undefined)?.end();
  // resolves, where the SDK would wait for its exporter
  await stop();
  collector.fault = undefined;
});
