import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { EVENT_SCHEMAS, EVENT_TYPES, parseEvent, parseEventBytes } from '../../../shared/contract/event-schema.ts';
import { anEvent } from '../../contracts/events.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('event schemas', () => {
  it.each(EVENT_TYPES)('%s passes whole and erased, and comes back as it was', (type) => {
    const event = { ...anEvent(type, { seq: 4 }), comexample: { more: 1 } };
    expect(parseEvent(event)).toEqual({ ok: true, event });
    const erased = { ...event, data: { id: event.subject, erased: true } };
    expect(parseEvent(erased)).toEqual({ ok: true, event: erased });
  });

  it.each(EVENT_TYPES)('%s has a JSON schema', (type) => {
    expect(z.toJSONSchema(EVENT_SCHEMAS[type])).toMatchObject({ type: 'object' });
  });

  const event = anEvent('message.created', { seq: 4, data: { text: 'secret' } });
  it.each([
    ['unparsable', bytes('{')],
    ['unparsable', Uint8Array.of(0x22, 0xff, 0x22)],
    ['invalid_event', bytes('null')],
    ['invalid_event', bytes('[]')],
    ['unknown_type', bytes(JSON.stringify({ ...event, type: 'toString' }))],
    ['future_version', bytes(JSON.stringify({ ...event, dataschema: 'http://x/schemas/message.created/2' }))],
    ['invalid_event', bytes(JSON.stringify({ ...event, dataschema: 'http://x/schemas/message.updated/1' }))],
    ['invalid_event', bytes(JSON.stringify({ ...event, seq: 0 }))],
    ['invalid_event', bytes(JSON.stringify({ ...event, clock: '-1' }))],
    ['invalid_event', bytes(JSON.stringify({ ...event, data: { ...event.data, text: 5 } }))],
  ])('refuses as %s', (reason, payload) => {
    const parsed = parseEventBytes(payload);
    expect(parsed).toMatchObject({ ok: false, reason });
    expect(JSON.stringify(parsed)).not.toContain('secret');
  });
});
