import { createContext, createElement, useContext, useMemo, useRef, type ReactNode } from 'react';
import { EMPTY_POLL, type Operator, type PollSnapshot } from '../admin/index.ts';
import { useSource } from './source.ts';

const OperatorContext = createContext<Operator | undefined>(undefined);

/** Gives the operator to the hooks below. */
export function OperatorProvider({ operator, children }: { operator: Operator; children?: ReactNode }): ReactNode {
  return createElement(OperatorContext.Provider, { value: operator }, children);
}

export function useOperator(): Operator {
  const operator = useContext(OperatorContext);
  if (operator === undefined) throw new Error('There is no OperatorProvider around this component.');
  return operator;
}

export interface Polled<T> extends PollSnapshot<T> {
  refresh: () => void;
}

/**
 * Reads again and again while the component is mounted. `key` says what is asked: another key is another question, which begins
 * without an answer.
 */
export function usePoll<T>(
  key: string,
  everyMs: number,
  read: (operator: Operator, signal: AbortSignal) => Promise<T>,
): Polled<T> {
  const operator = useOperator();
  const latest = useRef(read);
  latest.current = read;
  const poll = useMemo(
    () => operator.poll((asked, signal) => latest.current(asked, signal), { everyMs }),
    // the key stands for what is asked
    [operator, everyMs, key],
  );
  const snapshot = useSource<PollSnapshot<T>>(poll, EMPTY_POLL);
  return useMemo(() => ({ ...snapshot, refresh: () => poll.refresh() }), [snapshot, poll]);
}
