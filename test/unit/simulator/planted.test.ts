import { describe, expect, it } from 'vitest';
import { plant, plantedBugs } from '../../simulator/planted.ts';
import { ROOT } from '../repository/files.ts';

describe('the planted bugs', () => {
  it('are those that the promises name', () => {
    expect(plantedBugs()).toEqual([
      'ack-before-write',
      'archived-event-not-raised',
      'consumers-clock-as-timestamp',
      'dead-letter-not-awaited',
      'dead-letter-told-as-a-receipt',
      'edit-indexed-at-its-own-seq',
      'future-version-guessed',
      'highest-mark-instead-of-contiguous',
      'idempotency-record-after-the-event',
      'letter-removed-though-not-taken',
      'out-of-order-taken-as-in-order',
      'receipt-lost-after-ack-without-repair',
      'resume-off-by-one',
      'seq-in-a-second-transaction',
      'trim-at-puback',
    ]);
  });

  it.each(plantedBugs())('can still be planted: %s', (name) => {
    expect(plant(name, ROOT, { check: true })).toBeUndefined();
  });

  it('say so when one cannot', () => {
    expect(plant('no-such-bug', ROOT, { check: true })).toContain('test/planted/no-such-bug.patch does not apply any more');
  });
});
