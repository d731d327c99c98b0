import { accepted, refused, unchanged, type CommandHandler } from '../decision.ts';
import { MESSAGE_EDITS_MAX } from '../limits.ts';
import { addressOf } from './message-address.ts';

/**
 * An edit with the text that the message has changes nothing, as far as the tail still holds that text: an older one is
 * compared with nothing, for a command is decided with all databases down (design decision 6).
 */
export const messageEdit: CommandHandler<'message.edit'> = {
  whileArchived: false,
  decide(view, { member }, data, { actor }) {
    if (member === undefined) return refused('forbidden', 'Only members may edit messages.');
    const message = view.message(data.messageId);
    if (message === undefined || message.deletedAt !== undefined) {
      return refused('message_not_found', 'There is no such message, or it was deleted.');
    }
    if (message.author !== actor.id) return refused('forbidden', 'Only the author may edit a message.');
    if (view.recentText(message) === data.text) return unchanged(message.id);
    if (message.updatedSeqs.length >= MESSAGE_EDITS_MAX) {
      return refused('conflict', `A message can be edited ${MESSAGE_EDITS_MAX} times.`);
    }
    if (view.storageFull()) return refused('session_full', 'The session takes no more text.');
    return accepted(message.id, {
      type: 'message.updated',
      subject: message.id,
      data: { ...addressOf(message), text: data.text },
    });
  },
};
