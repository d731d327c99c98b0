import { JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { expect, it } from 'vitest';
import { makeMissing } from '../../../../consumers/doctor/repair.ts';

/** JetStream's own error code (nats-server errors.json) */
const NO_CONSUMER = 10014;

it('durables that are missing are made without a store, each as its consumer makes it, and what is there stays', async () => {
  const made: unknown[] = [];
  const manager = {
    streams: { info: async () => await Promise.resolve({ config: {} }) },
    consumers: {
      async info(_stream: string, name: string) {
        const missing = { code: 404, err_code: NO_CONSUMER, description: 'consumer not found' };
        if (name !== 'history') throw new JetStreamApiError(missing);
        return await Promise.resolve({ name });
      },
      add: async (stream: string, { durable_name, filter_subjects }: { durable_name: string; filter_subjects?: string[] }) =>
        void (await Promise.resolve(made.push([stream, durable_name, filter_subjects]))),
    },
  };
  await makeMissing(manager as unknown as JetStreamManager, {}, () => undefined);
  expect(made).toEqual([
    ['MILLRACE_COMMANDS', 'relay', undefined],
    ...['notifications', 'search', 'analytics'].map((name) => ['MILLRACE_EVENTS', name, undefined]),
  ]);
});
