import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Loads } from '../../../web/chat/loads.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** As the list does it: whenever nothing is under way it looks for more. */
function listOf(load: () => Promise<unknown>): { loads: Loads; look: (isMoved: boolean) => void } {
  const look = (isMoved: boolean): void => loads.begin(load, isMoved);
  const loads = new Loads(
    (isUnderWay) => {
      if (!isUnderWay) look(false);
    },
    () => look(false),
  );
  return { loads, look };
}

it('does not ask in a circle for what is refused at once', async () => {
  const load = vi.fn<() => Promise<unknown>>(() => Promise.reject(new Error('refused')));
  const { loads, look } = listOf(load);
  look(false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(load.mock.calls.length).toBeGreaterThan(1);
  expect(load.mock.calls.length).toBeLessThanOrEqual(13);
  loads.stop();
});

it('asks at once when somebody moves, and goes on after a success', async () => {
  const load = vi
    .fn<() => Promise<unknown>>(() => new Promise(() => {}))
    .mockRejectedValueOnce(new Error('away'))
    .mockResolvedValueOnce(undefined);
  const { look } = listOf(load);
  look(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(load).toHaveBeenCalledTimes(1);
  look(true);
  await vi.advanceTimersByTimeAsync(1);
  expect(load).toHaveBeenCalledTimes(3);
});
