import { noted, refused, unchanged, type CommandHandler } from '../decision.ts';
import { TEXT_CODE_POINTS_MAX } from '../limits.ts';
import { mayWrite } from '../rights.ts';
import { codePoints } from '../text.ts';
import { ownStreamOf } from './running-stream-of.ts';

/** Idempotent by index: whoever does not know whether a chunk arrived sends it again. */
export const streamAppend: CommandHandler<'stream.append'> = {
  whileArchived: true,
  decide(view, { member }, { messageId, index, text }, { actor }) {
    if (!mayWrite(member)) return refused('forbidden', 'Only members may stream messages.');
    const found = ownStreamOf(view, messageId, actor);
    if (!found.ok) return { kind: 'refused', refusal: found.refusal };
    const { stream } = found;
    if (index < stream.nextIndex) {
      if (stream.chunk(index) === text) return unchanged(messageId);
      return refused('conflict', 'The chunk of this index came with another text.');
    }
    if (index > stream.nextIndex) {
      return refused('stream_gap', `Chunk ${stream.nextIndex} comes next.`, { expectedIndex: stream.nextIndex });
    }
    if (stream.codePoints + codePoints(text) > TEXT_CODE_POINTS_MAX) {
      return refused('message_too_long', `A message has at most ${TEXT_CODE_POINTS_MAX} code points.`);
    }
    return noted(messageId, { kind: 'chunk', messageId, index, text });
  },
};
