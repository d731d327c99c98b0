import type { CommandOutcome, RelayedCommand } from '../../../../shared/contract/internal.ts';
import type { ErrorCode } from '../../../../shared/core/codes.ts';
import { problemOf } from '../../../../shared/contract/problem.ts';
import { refusal } from '../../../../shared/core/codes.ts';
import type { CommandStream, RelayPorts } from '../../../../consumers/relay/relay.ts';
import type { DeadLetter } from '../../../../consumers/runtime/dead-letters.ts';
import type { Incoming } from '../../../../consumers/runtime/incoming.ts';
import type { FakeMessage } from '../fakes.ts';

export function commandMessage(seq: number, more: Partial<Incoming> = {}): FakeMessage {
  const told: string[] = [];
  return {
    subject: 'millrace.commands.default.s1',
    data: new TextEncoder().encode(`{"n":${seq}}`),
    headers: [],
    streamSeq: seq,
    deliveries: 1,
    publishedAtMs: 1_000 + seq,
    storedId: `stored-${seq}`,
    told,
    ack: async () => {
      told.push('ack');
      return await Promise.resolve(true);
    },
    ackUnconfirmed: () => told.push('ack unconfirmed'),
    retry: (delayMs) => told.push(`retry ${delayMs}`),
    working: () => told.push('working'),
    terminate: (reason) => told.push(`terminate ${reason}`),
    ...more,
  };
}

export const accepted = (commandId = 'c'): CommandOutcome => ({
  kind: 'accepted',
  result: {
    commandId,
    sessionId: 's1',
    seq: 1,
    eventId: 'e',
    entityId: 'm',
    correlationId: 'k',
    acceptedAt: '2026-01-01T00:00:00.000Z',
  },
});
export const refused = (code: ErrorCode): CommandOutcome => ({
  kind: 'refused',
  problem: problemOf(refusal(code, 'no'), 'k'),
});
export const later = (code: ErrorCode, retryAfterMs?: number): CommandOutcome => ({
  kind: 'later',
  problem: problemOf(refusal(code, 'not now', retryAfterMs === undefined ? {} : { retryAfterMs }), 'k'),
});

type Answer = (command: RelayedCommand, attempt: number) => CommandOutcome | Promise<CommandOutcome>;

/** What a relay stands between, and what it did there. `answer` is the edge's. */
export function relayWorld(answer: Answer, more: Partial<RelayPorts> = {}) {
  const sent: string[] = [];
  const letters: DeadLetter[] = [];
  const replies: string[] = [];
  const logged: string[] = [];
  const attempts = new Map<string, number>();
  const stream: CommandStream & { first: number | undefined } = {
    first: undefined,
    firstOf: async () => await Promise.resolve(stream.first),
    payloadOf: async (seq) => await Promise.resolve(new TextEncoder().encode(`{"n":${seq}}`)),
    ackFloor: async () => await Promise.resolve(Number.MAX_SAFE_INTEGER),
  };
  const ports: RelayPorts = {
    edge: {
      commands: async (commands) => {
        sent.push(commands.map(({ payload }) => (JSON.parse(payload) as { n: number }).n).join(','));
        return await Promise.all(
          commands.map(async (command) => {
            const attempt = (attempts.get(command.payload) ?? 0) + 1;
            attempts.set(command.payload, attempt);
            return await answer(command, attempt);
          }),
        );
      },
      signals: async () => await Promise.resolve(0),
    },
    stream,
    deadLetters: {
      store: async (letter) => {
        letters.push(letter);
        await Promise.resolve();
      },
    },
    replies: { send: (subject, outcome) => replies.push(`${subject} ${outcome.kind}`) },
    log: (_level, msg) => logged.push(msg),
    now: Date.now,
    random: () => 0,
    ...more,
  };
  return { ports, sent, letters, replies, logged, stream };
}
