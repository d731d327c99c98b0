import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { EVENT_TYPES, parseEvent, parseEventBytes } from '../../../../shared/contract/event-schema.ts';
import { EVENT_APPLIERS } from '../../../../shared/core/apply.ts';
import { eventOf, NOW_TIME } from '../fixtures.ts';
import { newSimulation, play, steps } from '../properties/simulation.ts';

const event = eventOf('message.created', {
  id: 'm1',
  ordinal: 1,
  text: 'Ahoy',
  status: 'completed',
  role: 'user',
  mentions: ['bob'],
  metadata: {},
  createdAt: NOW_TIME,
});
const reason = (value: unknown): string => {
  const parsed = parseEvent(value);
  return parsed.ok ? 'ok' : parsed.reason;
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('parseEvent', () => {
  it('knows exactly the types that are applied', () => {
    expect(EVENT_TYPES.toSorted()).toEqual(Object.keys(EVENT_APPLIERS).toSorted());
  });

  it('takes every event that the core makes, whole and erased, and gives back the value itself', () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        const simulation = newSimulation();
        for (const step of sequence) play(simulation, step);
        for (const each of [...simulation.whole, ...simulation.log]) {
          const parsed = parseEvent(each);
          expect(parsed).toEqual({ ok: true, event: each });
          expect(parsed.ok && parsed.event).toBe(each);
        }
      }),
    );
  });

  it('lets additions pass: they are no new version', () => {
    expect(reason({ ...event, later: 1, data: { ...event.data, attachments: [] } })).toBe('ok');
  });

  it('says what is wrong', () => {
    expect(reason({ ...event, type: 'message.teleported' })).toBe('unknown_type');
    expect(reason({ ...event, type: 'constructor' })).toBe('unknown_type');
    expect(reason({ ...event, dataschema: 'http://localhost/schemas/message.created/2' })).toBe('future_version');
    expect(reason({ ...event, dataschema: 'http://localhost/schemas/message.updated/1' })).toBe('invalid_event');
    expect(reason({ ...event, dataschema: 'message.created/01' })).toBe('invalid_event');
    for (const value of [null, 5, 'x', [], {}, { type: 5 }]) expect(reason(value)).toBe('invalid_event');
  });

  it.each([
    { seq: 0 },
    { seq: 2 ** 31 },
    { seq: '1' },
    { clock: '01' },
    { clock: '-1' },
    { clock: 5 },
    { sessionid: 'a.b' },
    { tenant: 'A' },
    { actorkind: 'king' },
    { time: 'yesterday' },
    { specversion: '0.3' },
    { data: undefined },
    { data: { id: 'm1', erased: false } },
  ])('refuses an envelope with %j', (more) => {
    expect(reason({ ...event, ...more })).toBe('invalid_event');
  });

  it('names fields and never their contents', () => {
    const parsed = parseEvent({ ...event, actor: 'a secret', data: { ...event.data, text: { secret: 1 } } });
    expect(parsed.ok).toBe(false);
    expect(JSON.stringify(parsed)).toContain('actor');
    expect(JSON.stringify(parsed)).not.toContain('secret');
  });
});

describe('parseEventBytes', () => {
  it('reads JSON in UTF-8', () => {
    expect(parseEventBytes(bytes(JSON.stringify(event)))).toEqual({ ok: true, event });
  });

  it.each([new Uint8Array(), bytes('{"text":"secret'), Uint8Array.of(0xff, 0xfe), Uint8Array.of(0x22, 0xc3, 0x22)])(
    'calls anything else unparsable, and quotes nothing of it: case %#',
    (payload) => {
      expect(parseEventBytes(payload)).toEqual({ ok: false, reason: 'unparsable', detail: 'not JSON in UTF-8' });
    },
  );
});
