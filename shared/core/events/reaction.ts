import type { SessionState } from '../state.ts';
import type { WholeEventOf } from '../types.ts';

export function applyReactionAdded(state: SessionState, event: WholeEventOf<'reaction.added'>): void {
  const { messageId, messageSeq, emoji, userId } = event.data;
  const message = state.message(messageId);
  // a log that was read after the message's deletion still tells who had reacted
  if (message === undefined || message.deletedAt !== undefined) return;
  state.putReaction({ messageSeq, emoji, userId, seq: event.seq });
}

export function applyReactionRemoved(state: SessionState, event: WholeEventOf<'reaction.removed'>): void {
  const { messageSeq, emoji, userId } = event.data;
  state.dropReaction(messageSeq, emoji, userId);
}
