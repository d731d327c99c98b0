import {
  createContext,
  createElement,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
  type ReactNode,
} from 'react';
import type {
  ClientMessage,
  ClientTrace,
  CommandStatus,
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
import { asMillraceError, type MillraceError } from '../error.ts';
import { EMPTY_INBOX } from '../inbox-snapshot.ts';
import { closeWindow, growWindow, isWindow } from '../message-window.ts';
import { CommandProgress } from '../command-progress.ts';
import { EMPTY_SEARCH, Searching, type SearchParams, type SearchSnapshot } from '../searching.ts';
import { SessionList } from '../session-list.ts';
import { EMPTY_SESSION_LIST, type SessionListSnapshot } from '../session-list-snapshot.ts';
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
  /** `messages` are those around one that was jumped to, and there are newer ones */
  isWindow: boolean;
  /** messages that are being written */
  streams: readonly RunningStream[];
  /** who is typing */
  typing: readonly UserAnswer[];
  hasOlder: boolean;
  loadOlder: () => Promise<boolean>;
  /** of a window */
  loadNewer: () => Promise<boolean>;
  /** leaves the window */
  showNewest: () => void;
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
  const inWindow = useSyncExternalStore(
    session.subscribe,
    () => isWindow(session),
    () => false,
  );
  const streams = usePart(session, EMPTY_SNAPSHOT, (snapshot) => snapshot.streams);
  const typing = usePart(session, EMPTY_SNAPSHOT, (snapshot) => snapshot.typing);
  const hasOlder = usePart(session, EMPTY_SNAPSHOT, (snapshot) => snapshot.hasOlder);
  const ready = usePart(session, EMPTY_SNAPSHOT, ({ status }) => status === 'live');
  const replies = useThread(session, parentId, ready, all);
  return useMemo(
    () => ({
      messages: parentId === undefined ? all : replies,
      isWindow: inWindow,
      streams,
      typing,
      hasOlder,
      loadOlder: () => {
        if (parentId !== undefined) return session.loadThread(parentId);
        return inWindow ? growWindow(session, 'older') : session.loadOlder();
      },
      loadNewer: () => growWindow(session, 'newer'),
      showNewest: () => closeWindow(session),
      send: (message, sendOptions) => {
        const data = typeof message === 'string' ? { text: message } : message;
        return session.send(parentId === undefined ? data : { parentId, ...data }, sendOptions);
      },
      retry: (messageId) => session.retry(messageId),
      discard: (messageId) => session.discard(messageId),
    }),
    [session, parentId, inWindow, all, replies, streams, typing, hasOlder],
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

export interface Traces {
  /** newest first */
  traces: readonly ClientTrace[];
  /** the first page was read: where there is none, there are none */
  isLoaded: boolean;
  /** why it could not be; it is read again with the next connection */
  error: MillraceError | undefined;
  /** fetches the spans of one */
  load: (traceId: string) => Promise<void>;
}

/** The traces of a session. */
export function useTraces(sessionId: string): Traces {
  const session = useMillrace().session(sessionId);
  const ready = usePart(session, EMPTY_SNAPSHOT, ({ status }) => status === 'live');
  const [read, setRead] = useState<{ of: Session; error?: MillraceError }>();
  useEffect(() => {
    if (!ready) return;
    let over = false;
    session.loadTraces().then(
      () => {
        if (!over) setRead({ of: session });
      },
      (error: unknown) => {
        if (!over) setRead({ of: session, error: asMillraceError(error) });
      },
    );
    return () => {
      over = true;
    };
  }, [session, ready]);
  const traces = usePart(session, EMPTY_SNAPSHOT, (snapshot) => snapshot.traces);
  const isRead = read?.of === session;
  const error = isRead ? read.error : undefined;
  return useMemo(
    () => ({ traces, isLoaded: isRead && error === undefined, error, load: (traceId) => session.loadTrace(traceId) }),
    [session, traces, isRead, error],
  );
}

export interface Sessions extends SessionListSnapshot {
  loadMore: () => Promise<boolean>;
}

const lists = new WeakMap<Millrace, SessionList>();

/** One for all components, so that they share what it reads. */
function listOf(client: Millrace): SessionList {
  const known = lists.get(client) ?? client.extend((environment, http) => new SessionList(environment, http, client.inbox()));
  lists.set(client, known);
  return known;
}

/** One's sessions, newest activity first, with unread counts and last messages. */
export function useSessions(): Sessions {
  const list = listOf(useMillrace());
  const snapshot = useSource(list, EMPTY_SESSION_LIST);
  return useMemo(() => ({ ...snapshot, loadMore: () => list.loadMore() }), [snapshot, list]);
}

export interface Search extends SearchSnapshot {
  loadMore: () => Promise<void>;
}

/** Searches for what it is given, once that has not changed for a moment; for nothing when `q` is blank. */
export function useSearch(params: SearchParams): Search {
  const client = useMillrace();
  const search = useMemo(() => client.extend((environment, http) => new Searching(environment, http)), [client]);
  const asked = JSON.stringify(params);
  useEffect(() => {
    search.ask(JSON.parse(asked) as SearchParams);
    return () => search.stop();
  }, [search, asked]);
  const snapshot = useSyncExternalStore(search.subscribe, search.getSnapshot, () => EMPTY_SEARCH);
  return useMemo(() => ({ ...snapshot, loadMore: () => search.loadMore() }), [snapshot, search]);
}

const NO_COMMAND: Source<CommandStatus | undefined> = {
  open: () => () => {},
  subscribe: () => () => {},
  getSnapshot: () => undefined,
};

/** How far a command of one's own has come, followed until it is stored; undefined before that is known. */
export function useCommandStatus(sessionId: string, commandId: string | undefined): CommandStatus | undefined {
  const client = useMillrace();
  const progress = useMemo(
    () =>
      commandId === undefined
        ? NO_COMMAND
        : client.extend((environment, http) => new CommandProgress(environment, http, sessionId, commandId)),
    [client, sessionId, commandId],
  );
  return useSource(progress, undefined);
}

/** Unread counts of all one's sessions. */
export function useInbox(): InboxSnapshot {
  return useSource(useMillrace().inbox(), EMPTY_INBOX);
}

export type { MessageAnswer };
export { scopesOf, userOf } from '../token-claims.ts';
export { jumpTo, messageIn } from '../message-window.ts';
