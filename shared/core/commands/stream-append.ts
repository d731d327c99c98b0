import { noted, refused, unchanged, type CommandHandler } from '../decision.ts';
import { STREAM_CHUNKS_MAX, TEXT_CODE_POINTS_MAX } from '../limits.ts';
import { codePoints } from '../text.ts';
import { ownStreamOf } from './running-stream-of.ts';

/** Idempotent by index: whoever does not know whether a chunk arrived sends it again. */
export const streamAppend: CommandHandler<'stream.append'> = {
  whileArchived: true,
  decide(view, { member }, { messageId, index, text }, { actor }) {
    // who started it may go on as a viewer too: else a demotion would leave it to run out of time
    if (member === undefined) return refused('forbidden', 'Only members may stream messages.');
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
    if (stream.codePoints + codePoints(text) > TEXT_CODE_POINTS_MAX || index >= STREAM_CHUNKS_MAX) {
      const most = `${TEXT_CODE_POINTS_MAX} code points, in at most ${STREAM_CHUNKS_MAX} chunks`;
      return refused('message_too_long', `A message has at most ${most}.`);
    }
    return noted(messageId, { kind: 'chunk', messageId, index, text });
  },
};
