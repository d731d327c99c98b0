import { refusal, type Refusal } from '../codes.ts';
import type { SessionView, StreamView } from '../state.ts';
import type { Actor } from '../types.ts';

export type Found = { ok: true; stream: StreamView } | { ok: false; refusal: Refusal };

/** The running stream, or why there is none: one that ended tells so, one that never was is not found. */
export function runningStreamOf(view: SessionView, id: string): Found {
  const stream = view.stream(id);
  if (stream === undefined) return { ok: false, refusal: refusal('stream_not_found', 'There is no such stream.') };
  if (stream === 'ended')
    return { ok: false, refusal: refusal('stream_ended', 'The stream was finished, cancelled or timed out.') };
  return { ok: true, stream };
}

/** The same for what only who started it may do; the message tells who that was once it ended. */
export function ownStreamOf(view: SessionView, id: string, actor: Actor): Found {
  const stream = view.stream(id);
  const starter = stream === 'ended' ? view.message(id)?.author : stream?.starter.id;
  if (starter !== undefined && starter !== actor.id) {
    return { ok: false, refusal: refusal('forbidden', 'Only who started a stream may go on with it.') };
  }
  return runningStreamOf(view, id);
}
