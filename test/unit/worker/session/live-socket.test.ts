import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, WINDOW_BYTES, WINDOW_EVENTS } from '../../../../shared/core/limits.ts';
import { LiveSocket } from '../../../../worker/session/live-socket.ts';
import { FakePort } from './fake-room.ts';

const caller = { actor: { id: 'alice', kind: 'user' as const }, tokenExpiresAtMs: 10_000_000 };

function socketAt(sentSeq: number): { port: FakePort; socket: LiveSocket } {
  const port = new FakePort();
  return { port, socket: new LiveSocket(port, caller, { sentSeq, connectedAtMs: 0 }, DEFAULT_LIMITS, 0) };
}

describe('the window', () => {
  test('is full at its events, and opens by what is received', () => {
    const { socket } = socketAt(0);
    socket.sendEvents('frame', WINDOW_EVENTS, 10);
    expect(socket.fits(1, 1)).toBe(false);
    socket.received(WINDOW_EVENTS / 2);
    expect(socket.eventsLeft()).toBe(WINDOW_EVENTS / 2);
  });

  test('is full at its bytes', () => {
    const { socket } = socketAt(0);
    socket.sendEvents('frame', 1, WINDOW_BYTES - 10);
    expect(socket.fits(1, 10)).toBe(true);
    expect(socket.fits(1, 11)).toBe(false);
    socket.received(1);
    expect(socket.fits(1, 11)).toBe(true);
  });

  test('acknowledging the past or the future changes nothing it should not', () => {
    const { socket } = socketAt(5);
    socket.sendEvents('frame', 9, 100);
    socket.received(3);
    expect(socket.eventsLeft()).toBe(WINDOW_EVENTS - 4);
    socket.received(1_000_000);
    expect(socket.eventsLeft()).toBe(WINDOW_EVENTS);
  });
});

describe('hibernation', () => {
  const log = { head: 50, bytesBetween: (above: number, to: number) => (to - above) * 10 };

  test('a live socket has everything up to the head', () => {
    const { port, socket } = socketAt(40);
    socket.save();
    const woken = LiveSocket.restore(port, log, DEFAULT_LIMITS, 0);
    expect(woken?.sentSeq).toBe(50);
    expect(woken?.eventsLeft()).toBe(WINDOW_EVENTS - 10);
  });

  test('a lagging one goes on where it stopped, with its patience', () => {
    const { port, socket } = socketAt(40);
    socket.sendEvents('frame', 45, 50);
    socket.lagging = true;
    socket.fullSinceMs = 123;
    socket.save();
    const woken = LiveSocket.restore(port, log, DEFAULT_LIMITS, 0);
    expect(woken).toMatchObject({ sentSeq: 45, lagging: true, fullSinceMs: 123, userId: 'alice' });
  });

  test('a socket without our attachment is not ours', () => {
    expect(LiveSocket.restore(new FakePort(), log, DEFAULT_LIMITS, 0)).toBeUndefined();
  });
});
