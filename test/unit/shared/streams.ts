import type { MemoryState } from '../../../shared/core/memory-state.ts';
import type { Actor, StreamRecord } from '../../../shared/core/types.ts';
import { NOW_MS, stateWith, type StateSetup } from './fixtures.ts';

/** In the sessions of these tests ann is an agent and member, who streams m7 in answer to m1 of bob. */
export const ann: Actor = { id: 'ann', name: 'Ann', kind: 'agent' };
export const MEMBERS = { alice: 'owner', bob: 'member', carol: 'viewer', ann: 'member', erin: 'member' } as const;

export function streamRecord(over: Partial<StreamRecord> = {}): StreamRecord {
  return {
    id: 'm7',
    starter: { id: 'ann', name: 'Ann', kind: 'agent' },
    role: 'assistant',
    name: 'Pilot',
    parentId: 'm1',
    metadata: { model: 'x' },
    idleTimeoutMs: 300_000,
    startedAt: NOW_MS - 400,
    ...over,
  };
}

/** A state with the stream m7 that has these chunks; `ended`: it was, and its message is there. */
export function streaming(chunks: readonly string[] = [], setup: StateSetup & { ended?: boolean } = {}): MemoryState {
  const own = { id: 'm7', seq: 3, ordinal: 2, author: 'ann', authorKind: 'agent' as const, parentId: 'm1' };
  const messages = [{ id: 'm1', author: 'bob' }, ...(setup.ended === true ? [own] : [])];
  const state = stateWith({ members: MEMBERS, messages, ...setup });
  state.putStream(streamRecord());
  for (const chunk of chunks) state.appendChunk('m7', chunk);
  if (setup.ended === true) state.endStream('m7');
  return state;
}
