import { accepted, refused, unchanged, type CommandHandler } from '../decision.ts';
import { MESSAGE_EMOJIS_MAX, MESSAGE_REACTIONS_MAX } from '../limits.ts';
import { mayWrite } from '../rights.ts';

/** A set of (message, emoji, user): what is there already is there. */
export const reactionAdd: CommandHandler<'reaction.add'> = {
  whileArchived: false,
  decide(view, { member }, { messageId, emoji }, { actor }) {
    if (!mayWrite(member)) return refused('forbidden', 'Only members may react.');
    const message = view.message(messageId);
    if (message === undefined || message.deletedAt !== undefined) {
      return refused('message_not_found', 'There is no such message, or it was deleted.');
    }
    if (view.reaction(message.seq, emoji, actor.id) !== undefined) return unchanged(messageId);
    const { reactions, emojis } = view.reactionCounts(message.seq);
    if (reactions >= MESSAGE_REACTIONS_MAX) {
      return refused('conflict', `A message takes ${MESSAGE_REACTIONS_MAX} reactions.`);
    }
    if (emojis >= MESSAGE_EMOJIS_MAX && !view.hasEmoji(message.seq, emoji)) {
      return refused('conflict', `A message takes ${MESSAGE_EMOJIS_MAX} different emoji.`);
    }
    if (view.storageFull()) return refused('session_full', 'The session takes no more reactions.');
    return accepted(messageId, {
      type: 'reaction.added',
      subject: messageId,
      data: { messageId, messageSeq: message.seq, emoji, userId: actor.id },
    });
  },
};
