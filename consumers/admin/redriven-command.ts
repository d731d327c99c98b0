import type { NatsConnection } from '@nats-io/transport-node';
import { writeTraces } from '../../shared/telemetry/trace-header.ts';
import { edgeDoor } from '../relay/edge-door.ts';
import { replyPrefix, replySubjectOf } from '../relay/command-message.ts';
import { natsReplies } from '../relay/replies.ts';
import { describe, type Log } from '../runtime/log.ts';
import type { SignedPost } from '../runtime/signed-post.ts';
import type { Settings } from '../settings.ts';
import type { RedriverPorts } from './redriver.ts';

/** within what there is for an answer; a Session that takes longer has the key, and says next time what became of it */
const CALL_MS_MAX = 1_000;

/** How a redriven command gets to its Session: by the relay's door, and its reply the relay's way. */
export function commandPorts(
  connection: NatsConnection,
  { backendReplies }: Settings,
  post: SignedPost,
  log: Log,
): Pick<RedriverPorts, 'execute' | 'reply' | 'replyPrefix'> {
  const edge = edgeDoor(post, CALL_MS_MAX);
  const replies = natsReplies(connection);
  const prefix = replyPrefix(backendReplies);
  return {
    async execute({ headers }, command) {
      // the trace that the command was buried with goes on
      const traceparent = headers.find(([name]) => name === 'traceparent')?.[1];
      const traces = traceparent === undefined ? undefined : writeTraces([{ index: 0, seq: 0, traceparent }]);
      const [outcome] = await edge.commands([command], traces);
      if (outcome === undefined) throw new Error('the edge answered for no command');
      return outcome;
    },
    reply(message, outcome) {
      const subject = replySubjectOf(message, prefix);
      if (subject === undefined) return;
      try {
        replies.send(subject, outcome);
      } catch (error) {
        log('warn', 'a reply to a redriven command could not be sent', { error: describe(error) });
      }
    },
    replyPrefix: prefix,
  };
}
