import { refused, type CommandHandler } from '../decision.ts';
import { isBlank } from '../text.ts';
import { ownStreamOf } from './running-stream-of.ts';
import { endOfStream } from './stream-end.ts';

/** `text` wins over the chunks. Without it a completed message is all chunks, so none may be known to be missing. */
export const streamFinish: CommandHandler<'stream.finish'> = {
  whileArchived: true,
  decide(view, { member }, { messageId, status, text }, { actor, nowMs }) {
    // who started it may go on as a viewer too: else a demotion would leave it to run out of time
    if (member === undefined) return refused('forbidden', 'Only members may stream messages.');
    const found = ownStreamOf(view, messageId, actor);
    if (!found.ok) return { kind: 'refused', refusal: found.refusal };
    const { stream } = found;
    if (status === 'completed' && text === undefined && stream.torn) {
      return refused('stream_gap', `Chunk ${stream.nextIndex} may be missing: send it, or finish with the whole text.`, {
        expectedIndex: stream.nextIndex,
      });
    }
    if (status === 'completed' && isBlank(text ?? stream.textFrom(0))) {
      return refused('message_empty', 'A completed message has text.');
    }
    return endOfStream(view, stream, { status, nowMs, ...(text === undefined ? {} : { text }) });
  },
};
