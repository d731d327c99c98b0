import { describe, expect, it } from 'vitest';
import { OFFLINE_AFTER_MS, overDevices } from '../../../../shared/core/presence.ts';

describe('presence over devices', () => {
  it('is online by one device, away by all, and nothing without any', () => {
    expect(overDevices(['away', 'online', 'away'])).toBe('online');
    expect(overDevices(['away', 'away'])).toBe('away');
    expect(overDevices([])).toBeUndefined();
  });

  it('ends within a minute after the last socket', () => {
    expect(OFFLINE_AFTER_MS).toBeLessThan(60_000);
  });
});
