import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Pace } from '../../../web/chat/pace.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('is not put off by what is asked meanwhile', () => {
  const run = vi.fn<() => void>();
  const pace = new Pace(1_000, run);
  for (let ms = 0; ms < 10_000; ms += 250) {
    pace.ask();
    vi.advanceTimersByTime(250);
  }
  expect(run).toHaveBeenCalledTimes(10);
});

it('does nothing that it was told to leave, and goes on when it is asked again', () => {
  const run = vi.fn<() => void>();
  const pace = new Pace(1_000, run);
  pace.ask();
  pace.stop();
  vi.advanceTimersByTime(5_000);
  expect(run).not.toHaveBeenCalled();
  pace.ask();
  vi.advanceTimersByTime(1_000);
  expect(run).toHaveBeenCalledTimes(1);
});
