import type { MillraceError } from './error.ts';
import type { SessionEngine } from './session-engine.ts';
import type { RunningStream } from './state/live.ts';
import type { ClientMessage } from './state/rows.ts';
import type { ClientTrace } from './state/trace-list.ts';
import type { MemberAnswer, PresenceAnswer, SessionAnswer, UserAnswer } from './wire.ts';

export type SessionStatus =
  /** not connected, and nobody wants it to be */
  | 'idle'
  /** on the way to its first pages */
  | 'loading'
  /** connected and complete */
  | 'live'
  /** lost, and coming back: what is shown may be old */
  | 'reconnecting'
  /** over for good, see `error` */
  | 'closed';

/** What is known of a session at one moment. Never changed: what did not change is the same object as before. */
export interface SessionSnapshot {
  status: SessionStatus;
  error: MillraceError | undefined;
  session: SessionAnswer | undefined;
  me: UserAnswer | undefined;
  /** Oldest first, replies included; pending and failed ones of this client at the end. */
  messages: readonly ClientMessage[];
  /** there are older messages to load */
  hasOlder: boolean;
  members: readonly MemberAnswer[];
  /** of oneself */
  readSeq: number;
  streams: readonly RunningStream[];
  typing: readonly UserAnswer[];
  presence: readonly PresenceAnswer[];
  traces: readonly ClientTrace[];
}

/** Before anything is known, and where nothing ever will be (server rendering). */
export const EMPTY_SNAPSHOT: SessionSnapshot = {
  status: 'idle',
  error: undefined,
  session: undefined,
  me: undefined,
  messages: [],
  hasOlder: false,
  members: [],
  readSeq: 0,
  streams: [],
  typing: [],
  presence: [],
  traces: [],
};

function statusOf({ connection, loaded }: SessionEngine): SessionStatus {
  const { status } = connection;
  if (status === 'idle' || status === 'closed') return status;
  if (!loaded) return 'loading';
  return status === 'open' ? 'live' : 'reconnecting';
}

/** The next snapshot; the very same one when nothing changed, as React wants it. */
export function nextSnapshot(before: SessionSnapshot, engine: SessionEngine): SessionSnapshot {
  const { view, pending, error } = engine;
  const status = statusOf(engine);
  const settled = view.messages.all();
  const unsettled = pending.list();
  const next: SessionSnapshot = {
    status,
    error: status === 'live' ? undefined : error,
    session: view.session,
    me: view.me,
    messages: unsettled.length === 0 ? settled : [...settled, ...unsettled],
    hasOlder: (view.messages.window ?? view.messages.extent)?.nextCursor !== undefined,
    members: [...view.members.values()],
    readSeq: view.readSeq,
    streams: view.live.streams(),
    typing: view.live.typing(),
    presence: view.live.presence(),
    traces: view.traces.all(),
  };
  let changed = false;
  // the keys are those of the interface, which the compiler does not carry over to Object.keys
  for (const key of Object.keys(next) as (keyof SessionSnapshot)[]) {
    if (same(before[key], next[key])) Object.assign(next, { [key]: before[key] });
    else changed = true;
  }
  return changed ? next : before;
}

function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
  return a.every((each, index) => Object.is(each, b[index]));
}
