import { z } from 'zod';
import {
  type CommandOutcome,
  type CommandsRequest,
  type RelayedCommand,
  type SignalsRequest,
} from '../../shared/contract/internal.ts';
import type { SignedPost } from '../runtime/signed-post.ts';

/** more than the edge takes to answer a whole call (8 s) */
const COMMANDS_CALL_MS_MAX = 15_000;
const SIGNALS_CALL_MS_MAX = 4_000;

/** The edge, as the relay knows it. Both reject when it is away or refuses the call as a whole. */
export interface EdgeDoor {
  /** one outcome per command, in their order; `traces` says which trace each is of (shared/telemetry/trace-header.ts) */
  commands(commands: readonly RelayedCommand[], traces?: string): Promise<readonly CommandOutcome[]>;
  /** how many signals were lost */
  signals(sessions: SignalsRequest['sessions']): Promise<number>;
}

/** Members that a newer edge adds are passed on: a reply is the edge's answer, not ours. */
const problem = z.looseObject({ status: z.int(), code: z.string(), detail: z.string(), retryAfterMs: z.number().optional() });
const outcome = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('accepted'),
    result: z.looseObject({ commandId: z.string() }),
    replayed: z.literal(true).optional(),
  }),
  z.object({ kind: z.literal('refused'), problem }),
  z.object({ kind: z.literal('later'), problem }),
]);
const commandsAnswer = z.object({ outcomes: z.array(outcome) });
const signalsAnswer = z.object({ lost: z.int() });

export function edgeDoor(post: SignedPost, commandsMsMax = COMMANDS_CALL_MS_MAX): EdgeDoor {
  return {
    async commands(commands, traces) {
      const request: CommandsRequest = { v: 1, commands: [...commands] };
      const { outcomes } = commandsAnswer.parse(await post('/internal/commands', request, commandsMsMax, traces));
      if (outcomes.length !== commands.length) throw new Error('the edge answered for another number of commands');
      // what is looked at is proved above; the rest is only passed on
      return outcomes as unknown as CommandOutcome[];
    },
    async signals(sessions) {
      const request: SignalsRequest = { v: 1, sessions };
      return signalsAnswer.parse(await post('/internal/signals', request, SIGNALS_CALL_MS_MAX)).lost;
    },
  };
}
