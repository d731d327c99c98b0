import { refused, type CommandHandler } from '../decision.ts';
import { isOwner } from '../rights.ts';
import { runningStreamOf } from './running-stream-of.ts';
import { endOfStream } from './stream-end.ts';

/** Stop: for who started the stream, owners, and the author of the message that it answers. The text so far is kept. */
export const streamCancel: CommandHandler<'stream.cancel'> = {
  whileArchived: true,
  decide(view, { member }, { messageId }, { actor, nowMs }) {
    if (member === undefined) return refused('forbidden', 'Only members may cancel streams.');
    const known = view.stream(messageId);
    const about = known === 'ended' ? view.message(messageId) : known;
    const starter = about === undefined ? undefined : 'starter' in about ? about.starter.id : about.author;
    const parentAuthor = about?.parentId === undefined ? undefined : view.message(about.parentId)?.author;
    if (about !== undefined && !isOwner(member) && actor.id !== starter && actor.id !== parentAuthor) {
      return refused('forbidden', 'Only who started a stream, an owner or the author of the parent message may cancel it.');
    }
    const found = runningStreamOf(view, messageId);
    if (!found.ok) return { kind: 'refused', refusal: found.refusal };
    return endOfStream(view, found.stream, { status: 'cancelled', nowMs });
  },
};
