import type { SessionView } from '../state.ts';

/** An id belongs to one message for good: one that exists, existed and was deleted, or is still being streamed. */
export function isTaken(view: SessionView, id: string): boolean {
  return view.message(id) !== undefined || view.stream(id) !== undefined;
}
