import { noted, refused, type CommandHandler } from '../decision.ts';
import { STREAM_IDLE_MS_DEFAULT, STREAMS_RUNNING_MAX } from '../limits.ts';
import { isAutomated, mayWrite } from '../rights.ts';
import { isTaken } from './message-id.ts';

/** how long to wait before trying again when too many streams run */
const RETRY_AFTER_MS = 1_000;

/** Reserves the id of the message that the stream will be. Rights and bounds are those of message.send. */
export const streamStart: CommandHandler<'stream.start'> = {
  whileArchived: false,
  decide(view, { member }, data, { actor, nowMs, newId }) {
    if (!mayWrite(member)) return refused('forbidden', 'Only members may stream messages.');
    const speaksAsAnother = (data.role !== undefined && data.role !== 'user') || data.name !== undefined;
    if (speaksAsAnother && !isAutomated(actor)) {
      return refused('forbidden', 'Only agents and systems may stream under another role or name.');
    }
    if (data.messageId !== undefined && isTaken(view, data.messageId)) {
      return refused('conflict', 'A message with this id exists, existed or is being streamed in the session.');
    }
    if (data.parentId !== undefined && view.message(data.parentId) === undefined) {
      return refused('message_not_found', 'The parent message does not exist.');
    }
    if (view.storageFull()) return refused('session_full', 'The session takes no more messages.');
    if (view.runningStreams() >= STREAMS_RUNNING_MAX) {
      return refused('rate_limited', `A session runs ${STREAMS_RUNNING_MAX} streams at once.`, { retryAfterMs: RETRY_AFTER_MS });
    }
    const id = data.messageId ?? newId();
    const stream = {
      id,
      starter: { id: actor.id, ...(actor.name === undefined ? {} : { name: actor.name }), kind: actor.kind },
      role: data.role ?? 'user',
      ...(data.name === undefined ? {} : { name: data.name }),
      ...(data.parentId === undefined ? {} : { parentId: data.parentId }),
      metadata: data.metadata ?? {},
      idleTimeoutMs: data.idleTimeoutMs ?? STREAM_IDLE_MS_DEFAULT,
      startedAt: nowMs,
    };
    return noted(id, { kind: 'stream', stream });
  },
};
