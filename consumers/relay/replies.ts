import { headers, type NatsConnection } from '@nats-io/transport-node';
import { REPLAYED_HEADER } from '../../shared/contract/backend.ts';
import type { CommandOutcome } from '../../shared/contract/internal.ts';

export type FinalOutcome = Exclude<CommandOutcome, { kind: 'later' }>;

/** Where backends hear what became of a command, if they asked for it. Core messages: whoever does not listen misses them. */
export interface Replies {
  send(subject: string, outcome: FinalOutcome): void;
}

export function natsReplies(connection: NatsConnection): Replies {
  return {
    send(subject, outcome) {
      const head = headers();
      if (outcome.kind === 'refused') {
        head.set('Content-Type', 'application/problem+json');
        return connection.publish(subject, JSON.stringify(outcome.problem), { headers: head });
      }
      head.set('Content-Type', 'application/json');
      if (outcome.replayed) head.set(REPLAYED_HEADER, 'true');
      connection.publish(subject, JSON.stringify(outcome.result), { headers: head });
    },
  };
}
