import { describe, expect, it } from 'vitest';
import * as limits from '../../../../shared/core/limits.ts';

describe('limits', () => {
  it('are those of the contract', () => {
    expect(limits).toMatchObject({
      TEXT_CODE_POINTS_MAX: 50_000,
      TITLE_CODE_POINTS_MAX: 200,
      METADATA_BYTES_MAX: 8_192,
      MENTIONS_MAX: 50,
      CREATE_MEMBERS_MAX: 100,
      BODY_BYTES_MAX: 1_048_576,
      EVENT_BYTES_MAX: 524_288,
      SEQ_MAX: 2_147_483_647,
      PAGE_BYTES_MAX: 524_288,
      MESSAGES_PAGE_DEFAULT: 50,
      MESSAGES_PAGE_MAX: 100,
      EVENTS_PAGE_DEFAULT: 100,
      EVENTS_PAGE_MAX: 1_000,
      WINDOW_EVENTS: 10_000,
      WINDOW_BYTES: 8_388_608,
      WINDOW_FULL_MS_MAX: 30_000,
      INBOUND_FRAME_BYTES_MAX: 1_048_576,
      HEARTBEAT_MS: 30_000,
      HEARTBEATS_MISSED_MAX: 3,
      TICKET_TTL_MS: 30_000,
    });
    expect(limits.TAIL_EVENTS_MIN).toBeGreaterThanOrEqual(1_000);
    expect(limits.COMMAND_RECORD_MS).toBeGreaterThanOrEqual(7 * 24 * 3600_000);
    expect(limits.IDEMPOTENCY_KEY_MS).toBeGreaterThanOrEqual(24 * 3600_000);
  });

  it('set by environment have the defaults of the contract', () => {
    expect(limits.limitsFrom({})).toEqual({
      commandsPerS: 100,
      commandsBurst: 300,
      sessionCommandsPerS: 2_000,
      socketsPerUser: 20,
      framesPerS: 200,
      framesBurst: 600,
      unpersistedEvents: 100_000,
      unpersistedBytes: 1_000_000_000,
      embeddedMessages: 1_000_000,
      repairAfterMs: 60_000,
    });
    expect(limits.limitsFrom({})).not.toBe(limits.DEFAULT_LIMITS);
  });

  it('are each read from their variable', () => {
    const names = Object.values(limits.LIMIT_VARIABLES);
    expect(names.toSorted()).toEqual(
      [
        'LIMIT_COMMANDS_PER_S',
        'LIMIT_COMMANDS_BURST',
        'LIMIT_SESSION_COMMANDS_PER_S',
        'LIMIT_SOCKETS_PER_USER',
        'LIMIT_FRAMES_PER_S',
        'LIMIT_FRAMES_BURST',
        'LIMIT_UNPERSISTED_EVENTS',
        'LIMIT_UNPERSISTED_BYTES',
        'LIMIT_EMBEDDED_MESSAGES',
        'REPAIR_AFTER_MS',
      ].toSorted(),
    );
    const environment = Object.fromEntries(names.map((name, index) => [name, String(index + 1)]));
    expect(Object.values(limits.limitsFrom(environment))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('unset or empty means the default', () => {
    expect(limits.limitsFrom({ LIMIT_COMMANDS_PER_S: '', LIMIT_FRAMES_PER_S: undefined })).toEqual(limits.DEFAULT_LIMITS);
  });

  it.each(['0', '-1', '1.5', 'many', 'NaN', 'Infinity', '9007199254740993'])('refuse %j, and say which variable', (value) => {
    expect(() => limits.limitsFrom({ LIMIT_FRAMES_BURST: value })).toThrow(/LIMIT_FRAMES_BURST/);
  });
});
