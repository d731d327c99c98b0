import { DeliverPolicy, type JetStreamClient, type JetStreamManager, type JsMsg } from '@nats-io/jetstream';
import type { Failure } from '../../shared/contract/internal.ts';
import { DEAD_LETTERS_STREAM, deadLetterSubject } from '../../shared/contract/subjects.ts';
import { failureDetail } from '../receipts/failure-detail.ts';
import type { DeadLettersOf } from './in-stream.ts';

/** letters known at once; beyond it the oldest are forgotten, and an event of theirs would be published and buried once more */
const LETTERS_KNOWN_MAX = 100_000;
/** letters read for one question: with more to read it has no answer yet, and the next goes on */
const LETTERS_READ_MAX = 5_000;
const READ_MS_MAX = 1_000;

interface Letter {
  streamSeq: number;
  failure: Omit<Failure, 'seq'>;
}

/** Follows the dead letters of one consumer, headers only, as far as it is asked: most of the time there are none. */
class Letters {
  readonly #manager: JetStreamManager;
  readonly #client: JetStreamClient;
  readonly #consumer: string;
  /** by the id of the event */
  readonly #known = new Map<string, Letter>();
  #created = '';
  #readTo = 0;
  #reading: Promise<void> | undefined;

  constructor(manager: JetStreamManager, client: JetStreamClient, consumer: string) {
    this.#manager = manager;
    this.#client = client;
    this.#consumer = consumer;
  }

  async of(ids: ReadonlySet<string>): Promise<ReadonlyMap<string, Omit<Failure, 'seq'>>> {
    this.#reading ??= this.#catchUp().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
    const found = new Map<string, Omit<Failure, 'seq'>>();
    for (const id of ids) {
      const letter = this.#known.get(id);
      if (letter === undefined) continue;
      // a letter that was redriven or discarded is gone
      if ((await this.#manager.streams.getMessage(DEAD_LETTERS_STREAM, { seq: letter.streamSeq })) === null)
        this.#known.delete(id);
      else found.set(id, letter.failure);
    }
    return found;
  }

  async #catchUp(): Promise<void> {
    const { created, state } = await this.#manager.streams.info(DEAD_LETTERS_STREAM);
    if (created !== this.#created) {
      this.#known.clear();
      this.#readTo = 0;
      this.#created = created;
    }
    if (state.last_seq <= this.#readTo) return;
    const letters = await this.#client.consumers.get(DEAD_LETTERS_STREAM, {
      filter_subjects: deadLetterSubject(this.#consumer),
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#readTo + 1,
      headers_only: true,
    });
    const { num_pending: pending } = await letters.info();
    let waiting = Math.min(pending, LETTERS_READ_MAX);
    if (waiting > 0) {
      for await (const message of await letters.fetch({ max_messages: waiting, expires: READ_MS_MAX })) {
        this.#take(message);
        waiting -= 1;
        if (waiting === 0) break;
      }
    }
    if (waiting > 0 || pending > LETTERS_READ_MAX) throw new Error('there are more dead letters than could be read in time');
    this.#readTo = Math.max(this.#readTo, state.last_seq);
  }

  #take(message: JsMsg): void {
    this.#readTo = Math.max(this.#readTo, message.seq);
    const header = (name: string): string => message.headers?.get(name) ?? '';
    const [id, code] = [header('Millrace-Original-Nats-Msg-Id'), header('Millrace-Reason')];
    if (id === '') return;
    const failure = { code, detail: failureDetail(code), consumer: this.#consumer, at: message.time.getTime() };
    this.#known.set(id, { streamSeq: message.seq, failure });
    const [oldest] = this.#known.keys();
    if (this.#known.size > LETTERS_KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
  }
}

export function jetStreamDeadLettersOf(manager: JetStreamManager, client: JetStreamClient, consumer: string): DeadLettersOf {
  const letters = new Letters(manager, client, consumer);
  return async (ids) => await letters.of(ids);
}
