import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eraseEvent } from '../../../../shared/core/event.ts';
import {
  compareDigests,
  DIGEST_BYTES,
  digestAt,
  digestOf,
  ERASED,
  NOT_KNOWN,
  putDigest,
  type EventDigest,
} from '../../../../shared/core/event-digest.ts';
import type { Event } from '../../../../shared/core/types.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const event = {
  specversion: '1.0',
  id: 'e-1',
  type: 'message.created',
  subject: 'm1',
  seq: 2,
  clock: '1700000000000001',
  data: { id: 'm1', text: 'Ahoj', metadata: { b: 1, a: [1, { d: 2, c: 3 }] } },
} as unknown as Event;

const half = fc.integer({ min: 2, max: 2 ** 32 - 1 });

describe('the digest of an event', () => {
  it('is of its members, in whatever order they come, and stays the same for ever', () => {
    const turned = {
      ...Object.fromEntries(Object.entries(event).toReversed()),
      data: { metadata: { a: [1, { c: 3, d: 2 }], b: 1 }, text: 'Ahoj', id: 'm1' },
    } as unknown as Event;
    expect(digestOf(turned, sha256)).toEqual(digestOf(event, sha256));
    // sessions keep digests for good: another value here makes every archive look changed
    expect(digestOf(event, sha256)).toEqual({ envelope: 959_948_478, data: 3_398_746_898 });
  });

  it.each([
    ['the text', { ...event, data: { ...event.data, text: 'ahoj' } }, 'data'],
    ['metadata', { ...event, data: { ...event.data, metadata: {} } }, 'data'],
    ['the clock', { ...event, clock: '1700000000000002' }, 'envelope'],
    ['a member more', { ...event, traceparent: '00-1' }, 'envelope'],
  ])('tells a change of %s', (_what, changed, where) => {
    const before = digestOf(event, sha256);
    const after = digestOf(changed as Event, sha256);
    expect({ envelope: before.envelope !== after.envelope, data: before.data !== after.data }).toEqual({
      envelope: where === 'envelope',
      data: where === 'data',
    });
  });

  it('keeps what is not erased by an erasure', () => {
    expect(digestOf(eraseEvent(event), sha256)).toEqual({ ...digestOf(event, sha256), data: ERASED });
  });

  it.each<[string, EventDigest, EventDigest, string]>([
    ['equal', { envelope: 7, data: 8 }, { envelope: 7, data: 8 }, 'same'],
    ['both erased', { envelope: 7, data: ERASED }, { envelope: 7, data: ERASED }, 'same'],
    ['other data', { envelope: 7, data: 8 }, { envelope: 7, data: 9 }, 'different'],
    ['another event', { envelope: 7, data: 8 }, { envelope: 6, data: 8 }, 'different'],
    ['another event, both erased', { envelope: 7, data: ERASED }, { envelope: 6, data: ERASED }, 'different'],
    ['content that should be gone', { envelope: 7, data: ERASED }, { envelope: 7, data: 9 }, 'unerased'],
    ['content that should be there', { envelope: 7, data: 8 }, { envelope: 7, data: ERASED }, 'erased'],
    ['trimmed too early', { envelope: NOT_KNOWN, data: NOT_KNOWN }, { envelope: 7, data: 8 }, 'unverifiable'],
    ['trimmed too early, then erased', { envelope: NOT_KNOWN, data: ERASED }, { envelope: 7, data: ERASED }, 'unverifiable'],
    ['trimmed too early, erased here alone', { envelope: NOT_KNOWN, data: ERASED }, { envelope: 7, data: 8 }, 'unerased'],
  ])('%s', (_what, edge, found, verdict) => {
    expect(compareDigests(edge, found)).toBe(verdict);
  });

  it('never calls two the same that differ, nor one different from itself', () => {
    const digest = fc.record({ envelope: half, data: fc.oneof(half, fc.constant(ERASED)) });
    fc.assert(
      fc.property(digest, digest, (one, other) => {
        expect(compareDigests(one, one)).toBe('same');
        const equal = one.envelope === other.envelope && one.data === other.data;
        expect(compareDigests(one, other) === 'same').toBe(equal);
      }),
    );
  });

  it('comes back out of bytes as it went in, beside others', () => {
    const digest = fc.record({ envelope: fc.nat(2 ** 32 - 1), data: fc.nat(2 ** 32 - 1) });
    fc.assert(
      fc.property(fc.array(digest, { minLength: 1, maxLength: 20 }), fc.nat(40), (digests, offset) => {
        const bytes = new Uint8Array(offset + digests.length * DIGEST_BYTES).subarray(offset);
        for (const [index, each] of digests.entries()) putDigest(bytes, index, each);
        expect(digests.map((_each, index) => digestAt(bytes, index))).toEqual(digests);
      }),
    );
  });
});
