import { describe, expect, it } from 'vitest';
import { eventParser, eventSchemas, EVENT_TYPES, parseEvent } from '../../../shared/contract/event-schema.ts';
import { eraseEvent } from '../../../shared/core/event.ts';
import { eventVersion, upcast, UPCASTERS, versionIn } from '../../../shared/core/upcast.ts';
import { anEvent } from '../../contracts/events.ts';
import { LATER, stamped } from './evolution.ts';

const first = anEvent('message.created', { seq: 3 });
const { text, ...rest } = first.data as unknown as { text: string };
const second = stamped(first, 2, { ...rest, body: text });
const third = stamped(first, 3, { ...first.data, language: 'und' });
const later = eventParser(LATER);

describe('an event of an older version', () => {
  it.each([
    ['the first', first],
    ['the second', second],
    ['the third, which is the newest', third],
  ])('is read in the newest: %s', (_which, event) => {
    const parsed = later(event);
    expect(parsed).toMatchObject({ ok: true, event: { data: { text, language: 'und' } } });
    expect(parsed.ok && versionIn('message.created', parsed.event.dataschema)).toBe(3);
  });

  it('is kept as it came', () => {
    expect(later(first)).toMatchObject({ ok: true, stored: first });
    expect(first.data).not.toHaveProperty('language');
  });

  it('stays erased', () => {
    const erased = eraseEvent(first);
    const parsed = later(erased);
    expect(parsed).toMatchObject({ ok: true, event: { data: { id: first.subject, erased: true } }, stored: erased });
  });

  it('must have the shape of its version', () => {
    const wrong = stamped(first, 2);
    expect(later(wrong)).toEqual({ ok: false, reason: 'invalid_event', detail: 'data: invalid_union' });
  });

  it('does not pass when a step does not lead to the newest shape', () => {
    const astray = eventParser({ ...LATER, upcasters: { 'message.created': [(data) => data, (data) => data] } });
    expect(astray(first)).toMatchObject({ ok: false, reason: 'invalid_event' });
  });

  it('comes back as it is where it is the newest, or erased, or newer than is known', () => {
    expect(upcast(third, LATER.upcasters)).toBe(third);
    expect(upcast(stamped(first, 9), LATER.upcasters)).toMatchObject({ data: first.data });
    expect(upcast(first)).toBe(first);
  });
});

describe('an event of a later version', () => {
  it.each([2, 4, 999])('is refused by its number and never guessed at: %s', (version) => {
    const parse = version === 2 ? parseEvent : later;
    const newest = version === 2 ? 1 : 3;
    expect(parse(stamped(first, version))).toEqual({
      ok: false,
      reason: 'future_version',
      detail: `dataschema: version ${version} is newer than ${newest}`,
    });
  });
});

describe('versions', () => {
  it('are counted by their steps', () => {
    expect(eventVersion('message.created', LATER.upcasters)).toBe(3);
    expect(eventVersion('message.updated', LATER.upcasters)).toBe(1);
    expect(EVENT_TYPES.map((type) => eventVersion(type))).toEqual(EVENT_TYPES.map((type) => 1 + (UPCASTERS[type]?.length ?? 0)));
    expect(eventSchemas(LATER)['message.created']).toHaveLength(3);
  });

  it.each([
    ['http://localhost/schemas/message.created/2', 2],
    ['http://localhost/schemas/message.updated/2', undefined],
    ['http://localhost/schemas/message.created/0', undefined],
    ['http://localhost/schemas/message.created/02', undefined],
    ['message.created', undefined],
    [undefined, undefined],
  ])('are read from dataschema: %s', (dataschema, version) => {
    expect(versionIn('message.created', dataschema)).toBe(version);
  });
});
