import { expect, it } from 'vitest';
import { MemoryState } from '../../../shared/core/memory-state.ts';
import type { Event } from '../../../shared/core/types.ts';
import { anEvent } from '../../contracts/events.ts';
import { isOfLater, languageSaid, NEWER, notNewest, OLDER } from '../../simulator/builds.ts';

const before = anEvent('message.created', { seq: 3 });

/** As the newer edge stamps what its commands decide. */
function stampedByNewer(): Event {
  const { type, subject, data } = before;
  const stamp = {
    eventId: 'event-9',
    tenant: 'default',
    sessionId: 's1',
    publicUrl: '',
    nowMs: 1_767_225_600_000,
    actor: { id: 'ann', kind: 'user' as const },
    correlationId: 'corr-9',
    commandId: 'command-9',
  };
  return NEWER.versions.stamp(new MemoryState(), { type, subject, data }, stamp);
}

it('an event of the newer build is one that the older does not know, and does not guess at', () => {
  const stamped = stampedByNewer();
  expect(isOfLater(stamped)).toBe(true);
  expect(OLDER.parse(stamped)).toMatchObject({ ok: false, reason: 'future_version' });
  expect(notNewest(stamped, OLDER)).toContain('version 3, where 1 is known');
  expect(NEWER.parse(stamped)).toEqual({ ok: true, event: stamped });
  expect(notNewest(stamped, NEWER)).toBeUndefined();
});

it('one of the older build is raised by the newer, over both of its steps, and kept as it was stored', () => {
  const parsed = NEWER.parse(before);
  expect(parsed).toMatchObject({ ok: true, stored: before });
  const raised = NEWER.versions.raise(before);
  expect(notNewest(before, NEWER)).toContain('version 1, where 3 is known');
  expect(notNewest(raised, NEWER)).toBeUndefined();
  expect(raised.data).toEqual({ ...before.data, language: 'und' });
});

it('one that only says that it is raised is told from one that is', () => {
  const raised = NEWER.versions.raise(before);
  expect(notNewest({ ...raised, data: before.data } as Event, NEWER)).toContain('does not look like it');
});

it('a message says the same language whichever build reads it in the end', () => {
  expect(languageSaid(before)).toBe('und');
  expect(OLDER.languageOf({ ...before.data })).toBe('und');
  expect(languageSaid(stampedByNewer())).toBe('en');
  expect(NEWER.languageOf({ ...stampedByNewer().data })).toBe('en');
});
