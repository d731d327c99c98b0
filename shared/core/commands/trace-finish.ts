import { accepted, refused, unchanged, type CommandHandler } from '../decision.ts';
import { mayWrite } from '../rights.ts';

export const NO_TRACE = refused('trace_not_found', 'There is no such trace, or it was purged.');

/** The same end again changes nothing; another one is a conflict. */
export const traceFinish: CommandHandler<'trace.finish'> = {
  whileArchived: true,
  decide(view, { member }, { traceId, status, error }, { nowMs }) {
    if (!mayWrite(member)) return refused('forbidden', 'Only members may finish traces.');
    const trace = view.trace(traceId);
    if (trace === undefined || trace.purgedAt !== undefined) return NO_TRACE;
    if (trace.status !== 'running') {
      const isSame = trace.status === status && trace.error === error;
      return isSame ? unchanged(traceId) : refused('conflict', 'The trace has finished already, in another way.');
    }
    return accepted(traceId, {
      type: 'trace.finished',
      subject: traceId,
      data: {
        id: traceId,
        traceSeq: trace.seq,
        status,
        ...(error === undefined ? {} : { error }),
        durationMs: Math.max(0, nowMs - trace.startedAt),
      },
    });
  },
};
