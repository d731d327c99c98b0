import { describe, expect, it } from 'vitest';
import { messageSend } from '../../../../shared/core/commands/message-send.ts';
import { streamStart } from '../../../../shared/core/commands/stream-start.ts';
import { STREAM_IDLE_MS_DEFAULT, STREAMS_RUNNING_MAX } from '../../../../shared/core/limits.ts';
import { MemoryState } from '../../../../shared/core/memory-state.ts';
import { bob, carol, dave, NOW_MS, outcome, run, sessionRecord, stateWith } from '../fixtures.ts';
import { ann, MEMBERS, streaming, streamRecord } from '../streams.ts';

describe('stream.start', () => {
  it('is noted with what the message will have, and an id made for it', () => {
    expect(run(streamStart, stateWith(), bob, {})).toEqual({
      kind: 'noted',
      entityId: 'made-id',
      note: {
        kind: 'stream',
        stream: {
          id: 'made-id',
          starter: { id: 'bob', kind: 'user' },
          role: 'user',
          metadata: {},
          idleTimeoutMs: STREAM_IDLE_MS_DEFAULT,
          startedAt: NOW_MS,
        },
      },
    });
  });

  it('carries every field', () => {
    const state = stateWith({ members: MEMBERS, messages: [{ id: 'm1' }] });
    const { role, name, parentId, metadata } = streamRecord();
    const data = { messageId: 'm7', role, name: name ?? '', parentId: parentId ?? '', metadata, idleTimeoutMs: 10_000 };
    expect(run(streamStart, state, ann, data)).toEqual({
      kind: 'noted',
      entityId: 'm7',
      note: { kind: 'stream', stream: streamRecord({ idleTimeoutMs: 10_000, startedAt: NOW_MS }) },
    });
  });

  it('is forbidden to viewers and strangers', () => {
    const state = stateWith({ session: { visibility: 'public' } });
    expect(outcome(run(streamStart, state, carol, {}))).toBe('forbidden');
    expect(outcome(run(streamStart, state, dave, {}))).toBe('forbidden');
  });

  it('lets only agents and systems speak under another role or a name', () => {
    for (const more of [{ role: 'assistant' as const }, { name: 'Pilot' }]) {
      expect(outcome(run(streamStart, stateWith(), bob, more))).toBe('forbidden');
      expect(outcome(run(streamStart, stateWith(), { ...bob, kind: 'agent' }, more))).toBe('noted');
    }
    expect(outcome(run(streamStart, stateWith(), bob, { role: 'user' }))).toBe('noted');
  });

  it('reserves its id: for messages and other streams it is taken, while it runs and for good', () => {
    for (const state of [streaming(), streaming([], { ended: true })]) {
      expect(outcome(run(streamStart, state, bob, { messageId: 'm7' }))).toBe('conflict');
      expect(outcome(run(messageSend, state, bob, { text: 'Ahoy', id: 'm7' }))).toBe('conflict');
      expect(outcome(run(streamStart, state, bob, { messageId: 'm1' }))).toBe('conflict');
    }
    const deleted = stateWith({ messages: [{ id: 'm7', deletedAt: 1 }] });
    expect(outcome(run(streamStart, deleted, bob, { messageId: 'm7' }))).toBe('conflict');
  });

  it('answers a message that exists or was deleted, not one that is only being streamed', () => {
    expect(outcome(run(streamStart, stateWith({ messages: [{ deletedAt: 1 }] }), bob, { parentId: 'm1' }))).toBe('noted');
    expect(outcome(run(streamStart, streaming(), bob, { parentId: 'm7' }))).toBe('message_not_found');
  });

  it('is refused, with the time to wait, when as many run as may', () => {
    const state = stateWith();
    for (let at = 1; at < STREAMS_RUNNING_MAX; at += 1) state.putStream(streamRecord({ id: `s${at}` }));
    expect(outcome(run(streamStart, state, bob, {}))).toBe('noted');
    state.putStream(streamRecord({ id: 'last' }));
    expect(run(streamStart, state, bob, {})).toMatchObject({ refusal: { code: 'rate_limited', retryAfterMs: 1_000 } });
    state.endStream('last');
    expect(outcome(run(streamStart, state, bob, {}))).toBe('noted');
  });

  it('is refused once the storage is full', () => {
    class FullState extends MemoryState {
      override storageFull(): boolean {
        return true;
      }
    }
    const state = new FullState();
    state.putSession(sessionRecord());
    state.putMember({ userId: 'bob', role: 'member', active: true, kind: 'user', joinedAt: 0, readSeq: 0 });
    expect(outcome(run(streamStart, state, bob, {}))).toBe('session_full');
  });

  it('is not allowed while the session is archived', () => {
    expect(streamStart.whileArchived).toBe(false);
  });
});
