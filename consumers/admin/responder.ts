import type { Msg, NatsConnection } from '@nats-io/transport-node';
import {
  adminRequest,
  type AdminAnswer,
  type AdminOp,
  type AdminRequest,
  type AdminRequestOf,
  type AdminResult,
} from '../../shared/contract/admin.ts';
import { ADMIN_QUEUE, ADMIN_SUBJECT } from '../../shared/contract/subjects.ts';
import { NO_TRACER, type Tracer } from '../../shared/telemetry/tracer.ts';
import { answerTraced } from '../runtime/answer-spans.ts';
import { within } from '../runtime/backoff.ts';
import { describe, type Log } from '../runtime/log.ts';
import { AdminRefused } from './refused.ts';

/** operators' questions in work at once; beyond it the answer is at once `unavailable` */
const IN_FLIGHT_MAX = 16;
/** the edge has gone by 2 s (UPLINK_CALL_MS_MAX): what takes longer is answered `unavailable`, and may still happen */
export const ADMIN_ANSWER_MS_MAX = 1_800;
const DRAIN_MS_MAX = 3_000;
/** clocks of edge and consumers differ by at most this; a question is too old so much later than its asker has gone */
export const CLOCK_SKEW_MS_MAX = 5_000;

/** When a question must have its answer: epoch milliseconds. */
export interface Deadline {
  untilMs: number;
  /** of the answer's span, where the trace of whoever asks is recorded */
  traceparent?: string | undefined;
}

/** One function per question. Throws AdminRefused for what is refused, anything else for a fault. */
export type AdminHandlers = {
  readonly [Op in AdminOp]: (request: AdminRequestOf<Op>, deadline: Deadline) => Promise<AdminResult<Op>>;
};

export interface AdminResponder {
  /** Leaves the queue group, answers what it has, and resolves. Never rejects. */
  stop(): Promise<void>;
}

/** Answers operators, as one of any number in the queue group. An answer that the server would not take is refused in words. */
export function startAdminResponder(
  connection: NatsConnection,
  handlers: AdminHandlers,
  payloadBytesMax: number,
  log: Log,
  tracer: Tracer = NO_TRACER,
): AdminResponder {
  const running = new Set<Promise<void>>();

  const answer = async (message: Msg): Promise<void> => {
    try {
      const untilMs = Date.now() + ADMIN_ANSWER_MS_MAX;
      const reply = await answerTraced(tracer, message, async (traceparent) =>
        encoded(await answerOf(message.data, handlers, { untilMs, traceparent }, log)),
      );
      const fits = reply.length <= payloadBytesMax;
      if (!fits) log('error', 'an answer to an operator is too large', { bytes: reply.length });
      message.respond(fits ? reply : encoded(refused('internal', 'The answer is too large: ask for fewer.')));
    } catch (error) {
      log('warn', 'an answer could not be sent', { error: describe(error) });
    }
  };

  /** Never rejects. */
  const track = async (work: Promise<void>): Promise<void> => {
    running.add(work);
    await work;
    running.delete(work);
  };

  const subscription = connection.subscribe(ADMIN_SUBJECT, {
    queue: ADMIN_QUEUE,
    callback: (error, message) => {
      if (error !== null) return log('error', 'questions of operators cannot be received', { error: describe(error) });
      if (running.size >= IN_FLIGHT_MAX) {
        message.respond(encoded(refused('unavailable', 'Too much is asked at once.')));
        return;
      }
      void track(answer(message));
    },
  });

  return {
    async stop() {
      try {
        await within(DRAIN_MS_MAX, 'draining questions', subscription.drain());
        await within(DRAIN_MS_MAX, 'answering operators', Promise.all(running));
      } catch (error) {
        log('warn', 'stopped with operators unanswered', { error: describe(error) });
      }
    },
  };
}

/** Exported for its test. Never rejects. */
export async function answerOf(bytes: Uint8Array, handlers: AdminHandlers, deadline: Deadline, log: Log): Promise<AdminAnswer> {
  const request = parsed(bytes);
  if (request === undefined) return refused('invalid_request', 'The consumers do not know this question: they may be older.');
  const { op, tenant, actor, correlationId, answerByMs = Infinity } = request;
  // a process that stood still finds it in what piled up: its asker was told that it is not done
  if (Date.now() > answerByMs + CLOCK_SKEW_MS_MAX) {
    log('warn', 'an operator asked too long ago', { op, tenant, actor, correlationId });
    return refused('unavailable', 'It was asked too long ago, or the clocks of edge and consumers differ.');
  }
  try {
    const leftMs = Math.max(1, deadline.untilMs - Date.now());
    return { ok: true, op, result: await within(leftMs, op, handle(handlers, request, deadline)) };
  } catch (error) {
    if (error instanceof AdminRefused) return { ok: false, ...error.refusal };
    log('error', 'an operator could not be answered', { op, tenant, actor, correlationId, error: describe(error) });
    return refused('unavailable', 'It could not be done in time, or not at all. Look at what is there before you try again.');
  }
}

async function handle(handlers: AdminHandlers, request: AdminRequest, deadline: Deadline): Promise<unknown> {
  // the table pairs each question with its function, which the compiler cannot follow through an index
  const handler = handlers[request.op] as (request: AdminRequest, deadline: Deadline) => Promise<unknown>;
  return await handler(request, deadline);
}

function parsed(bytes: Uint8Array): AdminRequest | undefined {
  try {
    const result = adminRequest.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    return result.success ? result.data : undefined;
  } catch {
    return undefined;
  }
}

function refused(code: 'invalid_request' | 'unavailable' | 'internal', detail: string): AdminAnswer {
  return { ok: false, code, detail };
}

function encoded(answer: AdminAnswer): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(answer));
}
