import { rfc3339 } from '../clock.ts';
import type { Decision } from '../decision.ts';
import type { SessionView, StreamView } from '../state.ts';
import type { Actor, MessageStatus } from '../types.ts';

/**
 * The message that a stream becomes, whoever or whatever ended it: of who started it. Without `text` it is the text so far.
 * It is created now, in the order of its seq, not when its first word was streamed.
 */
export function endOfStream(
  view: SessionView,
  stream: StreamView,
  end: { status: MessageStatus; text?: string; nowMs: number },
): Extract<Decision, { kind: 'accepted' }> {
  const author: Actor = stream.starter;
  return {
    kind: 'accepted',
    entityId: stream.id,
    author,
    event: {
      type: 'message.created',
      subject: stream.id,
      data: {
        id: stream.id,
        ordinal: view.lastOrdinal() + 1,
        text: end.text ?? stream.textFrom(0),
        status: end.status,
        role: stream.role,
        ...(stream.name === undefined ? {} : { name: stream.name }),
        ...(stream.parentId === undefined ? {} : { parentId: stream.parentId }),
        mentions: [],
        metadata: stream.metadata,
        createdAt: rfc3339(end.nowMs),
        streamedMs: Math.max(0, end.nowMs - stream.startedAt),
      },
    },
  };
}
