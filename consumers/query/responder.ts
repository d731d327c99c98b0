import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { QUERY_QUEUE } from '../../shared/contract/subjects.ts';
import { NO_TRACER, type Tracer } from '../../shared/telemetry/tracer.ts';
import { answerTraced } from '../runtime/answer-spans.ts';
import { within } from '../runtime/backoff.ts';
import { describe, type Log } from '../runtime/log.ts';
import { SYSTEM_TIME, type Time } from '../runtime/time.ts';

/** questions at the store at once */
const IN_FLIGHT_MAX = 32;
/** questions that wait for it; beyond them the answer is at once `unavailable` */
const WAITING_MAX = 256;
/** the asker has gone by then */
const ANSWER_MS_MAX = 2_000;
const WAITED_MS_MAX = 2_000;
/** of the server's max_payload, for the frame around the rows */
const FRAME_BYTES = 16 * 1024;
const DRAIN_MS_MAX = 3_000;

export interface Responder {
  /** Leaves the queue group, answers what it has, and resolves. */
  stop(): Promise<void>;
}

/** Who knows the answers. */
export interface Answerer {
  subject: string;
  /** what the log calls it */
  store: string;
  /** The answer, of at most replyBytesMax. Rejects when the store cannot be read. */
  answer(question: Uint8Array, replyBytesMax: number): Promise<object>;
}

/** Answers the questions on a subject, as one of any number in the queue group. */
export function startResponder(
  connection: NatsConnection,
  answerer: Answerer,
  log: Log,
  time: Time = SYSTEM_TIME,
  tracer: Tracer = NO_TRACER,
): Responder {
  const { store } = answerer;
  const waiting: { message: Msg; cameAtMs: number }[] = [];
  const running = new Set<Promise<void>>();
  let failing = false;

  const answer = async (message: Msg): Promise<void> => {
    const replyBytesMax = (connection.info?.max_payload ?? 1024 * 1024) - FRAME_BYTES;
    try {
      const answering = answerTraced(tracer, message, async () => await answerer.answer(message.data, replyBytesMax));
      reply(message, await within(ANSWER_MS_MAX, `the ${store}`, answering, time));
      if (failing) log('info', `the ${store} can be read again`);
      failing = false;
    } catch (error) {
      if (!failing) log('error', `the ${store} cannot be read`, { error: describe(error) });
      failing = true;
      // the asker gets no detail of ours: it may end up with a client
      reply(message, unavailable(`the ${store} cannot be read`));
    }
  };

  const next = (): void => {
    while (running.size < IN_FLIGHT_MAX) {
      const first = waiting.shift();
      if (first === undefined) return;
      // the server or the event loop was held up: whoever asked has asked again
      if (time.now() - first.cameAtMs > WAITED_MS_MAX) continue;
      const work = answer(first.message)
        .catch((error: unknown) => log('warn', 'an answer could not be sent', { error: describe(error) }))
        .finally(() => {
          running.delete(work);
          next();
        });
      running.add(work);
    }
  };

  const subscription = connection.subscribe(answerer.subject, {
    queue: QUERY_QUEUE,
    callback: (error, message) => {
      if (error !== null) return log('error', 'questions cannot be received', { error: describe(error) });
      if (waiting.length >= WAITING_MAX) return reply(message, unavailable('too many questions at once'));
      waiting.push({ message, cameAtMs: time.now() });
      next();
    },
  });

  return {
    async stop() {
      try {
        await within(DRAIN_MS_MAX, 'draining questions', subscription.drain(), time);
        await within(DRAIN_MS_MAX, 'answering questions', Promise.all(running), time);
      } catch (error) {
        log('warn', 'stopped with questions unanswered', { error: describe(error) });
      }
    },
  };
}

function unavailable(detail: string): object {
  return { ok: false, code: 'unavailable', detail };
}

function reply(message: Msg, answer: object): void {
  message.respond(JSON.stringify(answer));
}
