import type { CommandStatus } from '../shared/contract/answers.ts';
import type {
  EventsPage,
  InboxAnswer,
  MemberAnswer,
  MessageAnswer,
  MessagesPage,
  Page,
  PresenceAnswer,
  SearchAnswer,
  SessionAnswer,
  SessionsItem,
  TraceAnswer,
  TraceDetail,
} from './wire.ts';

interface Paged {
  cursor?: string;
  limit?: number;
}

/** Every query (contract §2) by its operation id: what it is asked with, and what it answers. */
export interface Queries {
  'sessions.list': { params: Paged; answer: Page<SessionsItem> };
  'session.get': { params: { s: string }; answer: SessionAnswer };
  'members.list': { params: { s: string } & Paged; answer: Page<MemberAnswer> };
  'messages.list': {
    params: { s: string; limit?: number; before?: string; after?: string; around?: string; parentId?: string };
    answer: MessagesPage;
  };
  'message.get': { params: { s: string; m: string }; answer: MessageAnswer };
  'command.get': { params: { s: string; c: string }; answer: CommandStatus };
  'events.list': {
    params: { s: string; after?: number; epoch?: string; limit?: number; wait?: number };
    answer: EventsPage;
  };
  'traces.list': { params: { s: string } & Paged; answer: Page<TraceAnswer> };
  'trace.get': { params: { s: string; t: string } & Paged; answer: TraceDetail };
  'presence.list': { params: { s: string } & Paged; answer: Page<PresenceAnswer> };
  'inbox.get': { params: { after?: number }; answer: InboxAnswer };
  'search.query': {
    params: Paged & { q: string; sessionId?: string; author?: string; sentAfter?: string; sentBefore?: string };
    answer: SearchAnswer;
  };
}

export type QueryName = keyof Queries;

export const QUERY_PATHS: Readonly<Record<QueryName, string>> = {
  'sessions.list': '/sessions',
  'session.get': '/sessions/{s}',
  'members.list': '/sessions/{s}/members',
  'messages.list': '/sessions/{s}/messages',
  'message.get': '/sessions/{s}/messages/{m}',
  'command.get': '/sessions/{s}/commands/{c}',
  'events.list': '/sessions/{s}/events',
  'traces.list': '/sessions/{s}/traces',
  'trace.get': '/sessions/{s}/traces/{t}',
  'presence.list': '/sessions/{s}/presence',
  'inbox.get': '/inbox',
  'search.query': '/search',
};

/** Path and query string of a query. Parameters that are no part of the path go into the query; undefined ones nowhere. */
export function pathOf(name: QueryName, params: Readonly<Record<string, unknown>>): string {
  const rest = new Map(Object.entries(params).filter(([, value]) => value !== undefined));
  const path = QUERY_PATHS[name].replace(/\{(\w+)\}/g, (_all, parameter: string) => {
    const value = String(rest.get(parameter));
    rest.delete(parameter);
    return encodeURIComponent(value);
  });
  const query = [...rest].map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join('&');
  return `/v1${path}${query === '' ? '' : `?${query}`}`;
}
