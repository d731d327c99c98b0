import { accepted, refused, unchanged, type CommandHandler } from '../decision.ts';
import { isOwner } from '../rights.ts';
import { addressOf } from './message-address.ts';

/** Names every edit it erases, so that an archive can erase them without reading. */
export const messageDelete: CommandHandler<'message.delete'> = {
  whileArchived: true,
  decide(view, { member }, data, { actor }) {
    if (member === undefined) return refused('forbidden', 'Only members may delete messages.');
    const message = view.message(data.messageId);
    if (message === undefined) return refused('message_not_found', 'There is no such message.');
    if (message.author !== actor.id && !isOwner(member)) {
      return refused('forbidden', 'Only the author or an owner may delete a message.');
    }
    if (message.deletedAt !== undefined) return unchanged(message.id);
    const covered = message.updatedSeqs.length === 0 ? {} : { updatedSeqs: message.updatedSeqs };
    return accepted(message.id, {
      type: 'message.deleted',
      subject: message.id,
      data: { ...addressOf(message), ...covered },
    });
  },
};
