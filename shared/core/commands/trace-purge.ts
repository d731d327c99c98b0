import { accepted, refused, unchanged, type CommandHandler } from '../decision.ts';
import { isOwner } from '../rights.ts';
import { NO_TRACE } from './trace-finish.ts';

/** Names every event it erases, so that an archive can erase them without reading. */
export const tracePurge: CommandHandler<'trace.purge'> = {
  whileArchived: true,
  decide(view, { member }, { traceId }) {
    if (!isOwner(member)) return refused('forbidden', 'Only an owner may purge traces.');
    const trace = view.trace(traceId);
    if (trace === undefined) return NO_TRACE;
    if (trace.purgedAt !== undefined) return unchanged(traceId);
    const { firsts, updates } = view.spanSeqs(trace.seq);
    return accepted(traceId, {
      type: 'trace.purged',
      subject: traceId,
      data: {
        id: traceId,
        traceSeq: trace.seq,
        ...(trace.finishedSeq === undefined ? {} : { finishedSeq: trace.finishedSeq }),
        ...(firsts.length === 0 ? {} : { spanSeqs: firsts }),
        ...(updates.length === 0 ? {} : { updatedSeqs: updates }),
      },
    });
  },
};
