import { describe, expect, it } from 'vitest';
import { stampEvent } from '../../../../shared/core/event.ts';
import { MemoryState } from '../../../../shared/core/memory-state.ts';
import {
  isSampled,
  readTraceparent,
  traceFields,
  traceparentOfEncoded,
  writeTraceparent,
} from '../../../../shared/telemetry/traceparent.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const GOOD = `00-${TRACE}-${SPAN}-01`;

describe('a traceparent', () => {
  it('is read and written', () => {
    const context = readTraceparent(GOOD);
    expect(context).toEqual({ traceId: TRACE, spanId: SPAN, traceFlags: 1 });
    expect(writeTraceparent({ traceId: TRACE, spanId: SPAN, traceFlags: 1 })).toBe(GOOD);
    expect(writeTraceparent({ traceId: TRACE, spanId: SPAN, traceFlags: 0 })).toBe(`00-${TRACE}-${SPAN}-00`);
  });

  it.each([
    undefined,
    7,
    '',
    'x',
    `01-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `${GOOD}-more`,
    GOOD.toUpperCase(),
  ])('that is none has neither ids nor a decision: %s', (value) => {
    expect(readTraceparent(value)).toBeUndefined();
    expect(isSampled(value as string)).toBe(false);
    expect(traceFields(value as string)).toEqual({});
  });

  it('says by its last bit whether the trace is recorded', () => {
    expect(['00', '01', '02', '03', 'ff'].map((flags) => isSampled(`00-${TRACE}-${SPAN}-${flags}`))).toEqual([
      false,
      true,
      false,
      true,
      true,
    ]);
  });
});

describe('the traceparent of an encoded event', () => {
  const event = (traceparent: string | undefined, metadata: Record<string, unknown>, name = 'Alice'): string =>
    JSON.stringify(
      stampEvent(
        new MemoryState(),
        { type: 'session.created', subject: 's1', data: { title: 't', visibility: 'private', metadata, members: [] } } as never,
        {
          eventId: 'e1',
          tenant: 'default',
          sessionId: 's1',
          publicUrl: 'http://localhost',
          nowMs: 1,
          actor: { id: 'alice', kind: 'user', name },
          correlationId: 'c',
          commandId: 'd',
          ...(traceparent === undefined ? {} : { traceparent }),
        },
      ),
    );

  it('is found without reading the data', () => {
    expect(traceparentOfEncoded(event(GOOD, { big: 'x'.repeat(100_000) }))).toBe(GOOD);
    expect(traceparentOfEncoded(event(undefined, {}))).toBeUndefined();
  });

  it('is not one that a client wrote into its data or its name', () => {
    const forged = { traceparent: GOOD, data: { traceparent: GOOD, data: 1 } };
    expect(traceparentOfEncoded(event(undefined, forged))).toBeUndefined();
    expect(traceparentOfEncoded(event(undefined, {}, `x","traceparent":"${GOOD}","data":{`))).toBeUndefined();
    expect(traceparentOfEncoded(event(undefined, {}, 'n'.repeat(5_000)))).toBeUndefined();
  });
});
