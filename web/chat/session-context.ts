import { createContext, use } from 'react';
import type { MemberAnswer, PresenceAnswer, Session, SessionAnswer } from '../../client/index.ts';
import type { Mentioned } from './markdown.tsx';

/** What every part of an open session needs. */
export interface OpenSession {
  id: string;
  handle: Session;
  session: SessionAnswer | undefined;
  me: string;
  members: readonly MemberAnswer[];
  presence: readonly PresenceAnswer[];
  canWrite: boolean;
  isOwner: boolean;
  isLive: boolean;
}

export const SessionContext = createContext<OpenSession | undefined>(undefined);

export function useOpenSession(): OpenSession {
  const open = use(SessionContext);
  if (open === undefined) throw new Error('No session is open here.');
  return open;
}

export type { Mentioned };
