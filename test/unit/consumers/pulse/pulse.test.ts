import type { NatsConnection } from '@nats-io/transport-node';
import { expect, it } from 'vitest';
import { takePulse } from '../../../../consumers/pulse/pulse.ts';

type Asking = Parameters<typeof takePulse>[0];

/** Processes that answer so many milliseconds after the question, as the client takes them: until nobody did for `stall`. */
function answering(...afterMs: number[]): Asking {
  const requestMany = async (_subject: string, _data: string, { maxWait, stall }: { maxWait: number; stall: number }) => {
    let last: number | undefined;
    const heard = afterMs.filter((ms) => {
      const isHeard = ms <= maxWait && (last === undefined || ms - last <= stall);
      if (isHeard) last = ms;
      return isHeard;
    });
    const replies = heard.map((ms) => ({ string: () => JSON.stringify({ v: 1, worker: `${ms}`, roles: [], rebuilds: [] }) }));
    return await Promise.resolve(replies);
  };
  return { requestMany } as unknown as Pick<NatsConnection, 'requestMany'>;
}

it('hears whoever answers at once, and with patience also one that is busy', async () => {
  const processes = answering(5, 1_000);
  expect((await takePulse(processes)).map(({ worker }) => worker)).toEqual(['5']);
  const heard = await takePulse(processes, { msMax: 4_000, stallMs: 1_500 });
  expect(heard.map(({ worker }) => worker)).toEqual(['5', '1000']);
});
