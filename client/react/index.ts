import {
  createContext,
  createElement,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useSyncExternalStore,
  type ReactNode,
} from 'react';
import type {
  ClientMessage,
  ClientTrace,
  InboxSnapshot,
  MessageAnswer,
  Millrace,
  PresenceAnswer,
  RunningStream,
  SentMessage,
  Session,
  SessionSnapshot,
  UserAnswer,
} from '../index.ts';
import { EMPTY_INBOX } from '../inbox-snapshot.ts';
import { EMPTY_SNAPSHOT } from '../snapshot.ts';
import { useSource, type Source } from './source.ts';

const ClientContext = createContext<Millrace | undefined>(undefined);

/** Gives the client to the hooks below. The client outlives it: close it yourself. */
export function MillraceProvider({ client, children }: { client: Millrace; children?: ReactNode }): ReactNode {
  return createElement(ClientContext.Provider, { value: client }, children);
}

export function useMillrace(): Millrace {
  const client = useContext(ClientContext);
  if (client === undefined) throw new Error('There is no MillraceProvider around this component.');
  return client;
}

/** A part of what is known: the component is rendered again only when this part changes. */
function usePart<S, P>(source: Source<S>, empty: S, pick: (snapshot: S) => P): P {
  const picker = useRef(pick);
  const parts = useMemo<Source<P>>(
    () => ({
      open: () => source.open(),
      subscribe: (listener) => source.subscribe(listener),
      getSnapshot: () => picker.current(source.getSnapshot()),
    }),
    [source],
  );
  return useSource(parts, pick(empty));
}

/** A session, connected while the component is mounted, and all that is known of it. */
export function useSession(id: string): SessionSnapshot & { handle: Session } {
  const handle = useMillrace().session(id);
  const snapshot = useSource(handle, EMPTY_SNAPSHOT);
  return useMemo(() => ({ ...snapshot, handle }), [snapshot, handle]);
}

export interface Messages {
  /** oldest first; of one thread with `parentId` */
  messages: readonly ClientMessage[];
  /** messages that are being written */
  streams: readonly RunningStream[];
  /** who is typing */
  typing: readonly UserAnswer[];
  hasOlder: boolean;
  loadOlder: () => Promise<boolean>;
  send: Session['send'];
  retry: (messageId: string) => SentMessage;
  discard: (messageId: string) => void;
}

const NO_MESSAGES: readonly ClientMessage[] = [];

/** The messages of a session, or with `parentId` the replies to one of them. */
export function useMessages(sessionId: string, options: { parentId?: string } = {}): Messages {
  const { parentId } = options;
  const session = useMillrace().session(sessionId);
  const all = usePart(session, EMPTY_SNAPSHOT, ({ messages }) => messages);
  const streams = usePart(session, EMPTY_SNAPSHOT, (snapshot) => snapshot.streams);
  const typing = usePart(session, EMPTY_SNAPSHOT, (snapshot) => snapshot.typing);
  const hasOlder = usePart(session, EMPTY_SNAPSHOT, (snapshot) => snapshot.hasOlder);
  const ready = usePart(session, EMPTY_SNAPSHOT, ({ status }) => status === 'live');
  const replies = useThread(session, parentId, ready, all);
  return useMemo(
    () => ({
      messages: parentId === undefined ? all : replies,
      streams,
      typing,
      hasOlder,
      loadOlder: () => (parentId === undefined ? session.loadOlder() : session.loadThread(parentId)),
      send: (message, sendOptions) => {
        const data = typeof message === 'string' ? { text: message } : message;
        return session.send(parentId === undefined ? data : { parentId, ...data }, sendOptions);
      },
      retry: (messageId) => session.retry(messageId),
      discard: (messageId) => session.discard(messageId),
    }),
    [session, parentId, all, replies, streams, typing, hasOlder],
  );
}

function useThread(
  session: Session,
  parentId: string | undefined,
  ready: boolean,
  all: readonly ClientMessage[],
): readonly ClientMessage[] {
  useEffect(() => {
    // a failure shows as a thread that stays as it was, and is tried again with the next connection
    if (parentId !== undefined && ready) session.openThread(parentId).catch(() => {});
  }, [session, parentId, ready]);
  const loaded = useSyncExternalStore(
    session.subscribe,
    () => (parentId === undefined ? NO_MESSAGES : session.thread(parentId)),
    () => NO_MESSAGES,
  );
  return useMemo(() => {
    const unsettled = all.filter((message) => message.parentId === parentId && message.state !== 'sent');
    return unsettled.length === 0 ? loaded : [...loaded, ...unsettled];
  }, [all, loaded, parentId]);
}

/** Who is here. */
export function usePresence(sessionId: string): readonly PresenceAnswer[] {
  const session = useMillrace().session(sessionId);
  const ready = usePart(session, EMPTY_SNAPSHOT, ({ status }) => status === 'live');
  useEffect(() => {
    if (ready) session.watchPresence().catch(() => {});
  }, [session, ready]);
  return usePart(session, EMPTY_SNAPSHOT, ({ presence }) => presence);
}

/** The traces of a session, newest first; `load` fetches the spans of one. */
export function useTraces(sessionId: string): { traces: readonly ClientTrace[]; load: (traceId: string) => Promise<void> } {
  const session = useMillrace().session(sessionId);
  const ready = usePart(session, EMPTY_SNAPSHOT, ({ status }) => status === 'live');
  useEffect(() => {
    if (ready) session.loadTraces().catch(() => {});
  }, [session, ready]);
  const traces = usePart(session, EMPTY_SNAPSHOT, (snapshot) => snapshot.traces);
  return useMemo(() => ({ traces, load: (traceId) => session.loadTrace(traceId) }), [session, traces]);
}

/** Unread counts of all one's sessions. */
export function useInbox(): InboxSnapshot {
  return useSource(useMillrace().inbox(), EMPTY_INBOX);
}

export type { MessageAnswer };
