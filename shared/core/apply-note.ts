import type { Note } from './decision.ts';
import type { SessionState } from './state.ts';

/** Keeps what a command changed beside the log: the counterpart of `apply` for what has no event. */
export function applyNote(state: SessionState, note: Note): void {
  if (note.kind === 'stream') return state.putStream(note.stream);
  if (note.kind === 'chunk') return state.appendChunk(note.messageId, note.text);
  const member = state.member(note.userId);
  if (member !== undefined) state.putMember({ ...member, readSeq: note.seq });
}
