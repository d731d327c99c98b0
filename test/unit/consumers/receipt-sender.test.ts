import { expect, it } from 'vitest';
import { failureDetail } from '../../../consumers/receipts/failure-detail.ts';
import { ReceiptSender } from '../../../consumers/receipts/sender.ts';
import { BatchHandler, DELIVERIES_MAX } from '../../../consumers/runtime/batch.ts';
import type { Receipt } from '../../../shared/contract/internal.ts';
import { anEvent } from '../../contracts/events.ts';
import { bench, messageOf } from './fakes.ts';

it('a client reads fixed text of a failure; what the store said stays in the dead letter', async () => {
  const posted: Receipt[] = [];
  const sender = new ReceiptSender(
    async (receipts) => {
      posted.push(...receipts);
      return await Promise.resolve({ failed: [] });
    },
    () => {},
  );
  const raw = 'UNIQUE constraint failed: messages.tenant at 10.0.0.7:9042';
  const { ports, letters } = bench({ handle: async () => await Promise.reject(new Error(raw)) }, { settlements: sender });
  const message = messageOf(anEvent('message.created', { seq: 3 }), { deliveries: DELIVERIES_MAX });
  await new BatchHandler(ports).process([message], () => {});
  sender.start();
  await sender.stop(1_000);
  expect(letters[0]?.error).toContain(raw);
  expect(posted.flatMap(({ failures }) => failures ?? [])).toEqual([
    { seq: 3, code: 'retries_exhausted', detail: failureDetail('retries_exhausted'), consumer: 'history', at: 5_000 },
  ]);
  expect(JSON.stringify(posted)).not.toContain('constraint');
});

it('codes of which nothing is known have a text too', () => {
  expect(failureDetail('from_a_later_version')).toBe('The event could not be stored.');
  expect(failureDetail('toString')).toBe('The event could not be stored.');
});
