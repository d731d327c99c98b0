import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { DEAD_LETTERS_STREAM } from '../../shared/contract/subjects.ts';
import type { Ledger } from './ledger.ts';

const ASK_MS_MAX = 5_000;

/** Writes every dead letter that there is down. */
export async function readLetters(nats: string, ledger: Ledger): Promise<void> {
  const connection = await connect({ servers: nats.split(','), timeout: ASK_MS_MAX, waitOnFirstConnect: true });
  try {
    const manager = await jetstreamManager(connection, { timeout: ASK_MS_MAX });
    const { state } = await manager.streams.info(DEAD_LETTERS_STREAM);
    const consumer = await jetstream(connection).consumers.get(DEAD_LETTERS_STREAM);
    for (let left = state.messages; left > 0; left -= 1) {
      const letter = await consumer.next({ expires: ASK_MS_MAX });
      if (letter === null) throw new Error(`${left} of ${state.messages} dead letters cannot be read`);
      ledger.write({ kind: 'letter', consumer: letter.subject.split('.').at(-1) ?? '', payload: letter.string() });
    }
  } finally {
    await connection.close();
  }
}
