import { accepted, refused, unchanged, type CommandHandler } from '../decision.ts';
import { mayWrite } from '../rights.ts';

/** Only one's own: what is not there is not there. */
export const reactionRemove: CommandHandler<'reaction.remove'> = {
  whileArchived: false,
  decide(view, { member }, { messageId, emoji }, { actor }) {
    if (!mayWrite(member)) return refused('forbidden', 'Only members may react.');
    const message = view.message(messageId);
    if (message === undefined || message.deletedAt !== undefined) {
      return refused('message_not_found', 'There is no such message, or it was deleted.');
    }
    if (view.reaction(message.seq, emoji, actor.id) === undefined) return unchanged(messageId);
    return accepted(messageId, {
      type: 'reaction.removed',
      subject: messageId,
      data: { messageId, messageSeq: message.seq, emoji, userId: actor.id },
    });
  },
};
