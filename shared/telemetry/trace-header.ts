import { TRACEPARENT_PATTERN } from '../core/ids.ts';
import { SEQ_MAX } from '../core/limits.ts';

/**
 * Header of a signed call that is about many things at once: which of them belong to which trace. A header, for an edge of an
 * older build must take the call all the same. It is not signed: the worst that a forged one does is a span in a wrong trace.
 */
export const TRACES_HEADER = 'Millrace-Traces';
/** entries in one header, of 80 characters at most; the traces beyond it lack a span */
export const TRACES_MAX = 64;

export interface TraceMark {
  /** which receipt, or which command, of the call */
  index: number;
  /** which event of the receipt; 0 of a command */
  seq: number;
  traceparent: string;
}

/** undefined when there is nothing to say */
export function writeTraces(marks: readonly TraceMark[]): string | undefined {
  if (marks.length === 0) return undefined;
  return marks
    .slice(0, TRACES_MAX)
    .map(({ index, seq, traceparent }) => `${index}.${seq}.${traceparent}`)
    .join(',');
}

/** What can be read of it: nothing depends on a span. */
export function readTraces(header: string | null | undefined): TraceMark[] {
  if (!header) return [];
  return header
    .split(',', TRACES_MAX)
    .map((entry) => {
      const [index = '', seq = '', traceparent = ''] = entry.split('.');
      return { index: Number(index), seq: Number(seq), traceparent };
    })
    .filter(({ index, seq, traceparent }) => isCount(index) && isCount(seq) && TRACEPARENT_PATTERN.test(traceparent));
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= SEQ_MAX;
}
