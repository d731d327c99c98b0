import type { Receipt } from '../../shared/contract/internal.ts';
import { ERROR_CODES, type ErrorCode } from '../../shared/core/codes.ts';
import { ATTR } from '../../shared/telemetry/attributes.ts';
import { isSampled } from '../../shared/telemetry/traceparent.ts';
import type { Span } from '../../shared/telemetry/tracer.ts';
import type { ExecuteInput, Executed, ReceiptTrace, Result } from './api.ts';
import type { Room } from './room.ts';

/** The room's execute, with a span where the command's trace is recorded: the event then names it as the one that caused it. */
export function execute(room: Room, input: ExecuteInput): Result<Executed> {
  if (room.tracer.isOff || !isSampled(input.traceparent)) return room.execute(input);
  const span = room.tracer.child(`execute ${input.command.name}`, input.traceparent, {
    attributes: {
      [ATTR.command]: input.command.name,
      [ATTR.tenant]: room.identity.tenant,
      [ATTR.session]: room.identity.sessionId,
      [ATTR.correlationId]: input.correlationId,
    },
  });
  if (span === undefined) return room.execute(input);
  try {
    const result = room.execute({ ...input, traceparent: span.traceparent });
    span.set(outcomeOf(result));
    if (!result.ok && isFault(result.refusal.code)) span.fail(result.refusal.code);
    room.ports.background(endWhenDurable(room, span));
    return result;
  } catch (error) {
    span.fail('internal');
    span.end();
    throw error;
  }
}

/** The room's takeReceipt, with a span for each event in it whose trace is recorded. */
export function takeReceipt(
  room: Room,
  receipt: Receipt,
  embeddedMessages: number | undefined,
  traces: readonly ReceiptTrace[],
): void {
  const spans = traces.flatMap(({ seq, traceparent }) => {
    const span = room.tracer.child('take receipt', traceparent, {
      attributes: { [ATTR.tenant]: receipt.tenant, [ATTR.session]: receipt.sessionId, [ATTR.seq]: seq },
    });
    const failure = receipt.failures?.find((each) => each.seq === seq);
    if (failure !== undefined) span?.set({ [ATTR.deadLetterReason]: failure.code });
    return span ?? [];
  });
  room.takeReceipt(receipt, embeddedMessages);
  for (const span of spans) room.ports.background(endWhenDurable(room, span));
}

/** The platform holds the answer back until then: it is what the command waited for. */
async function endWhenDurable(room: Room, span: Span): Promise<void> {
  try {
    await room.ports.synced();
  } catch {
    // the platform resets the object, and no answer leaves
    span.fail('storage');
  }
  span.end();
}

function outcomeOf(result: Result<Executed>): Record<string, string | number> {
  if (!result.ok) return { [ATTR.outcome]: 'refused', [ATTR.errorCode]: result.refusal.code };
  const { accepted, replayed } = result.value;
  const changed = accepted.unchanged === true ? 'unchanged' : 'accepted';
  return { [ATTR.outcome]: replayed ? 'duplicate' : changed, [ATTR.seq]: accepted.seq, [ATTR.commandId]: accepted.commandId };
}

/** What a client did wrong is an answer like any other; what we could not do is an error. */
export function isFault(code: ErrorCode): boolean {
  return ERROR_CODES[code].status >= 500;
}
