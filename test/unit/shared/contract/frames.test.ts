import { describe, expect, it } from 'vitest';
import { clientFrame } from '../../../../shared/contract/frames.ts';

const takes = (frame: unknown): boolean => clientFrame.safeParse(frame).success;

describe('frames of a client', () => {
  it.each([
    { type: 'command', id: '1', command: 'message.send', data: { text: 'Ahoy' } },
    { type: 'command', id: '1', command: 'message.teleport', data: 5, idempotencyKey: 'k' },
    { type: 'command', id: '1', command: 'session.archive' },
    { type: 'signal', name: 'typing', data: { active: true } },
    { type: 'signal', name: 'presence', data: { status: 'away' } },
    { type: 'signal', name: 'unheard-of', data: {} },
    { type: 'received', seq: 0 },
    { type: 'received', seq: 2_147_483_647 },
    { type: 'renew', ticket: 'abc' },
  ])('%j passes: what is inside a command is judged by the catalogue', (frame) => {
    expect(takes(frame)).toBe(true);
  });

  it.each([
    null,
    5,
    'ping',
    [],
    {},
    { type: 'teleport' },
    { type: 'command', command: 'message.send', data: {} },
    { type: 'command', id: 5, command: 'message.send', data: {} },
    { type: 'command', id: '', command: 'message.send', data: {} },
    { type: 'received', seq: -1 },
    { type: 'received', seq: 1.5 },
    { type: 'received', seq: 2_147_483_648 },
    { type: 'received', seq: '1' },
    { type: 'renew' },
  ])('%j does not', (frame) => {
    expect(takes(frame)).toBe(false);
  });
});
