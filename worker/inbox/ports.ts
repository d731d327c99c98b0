import type { RoomPorts } from '../session/ports.ts';

/** What an inbox's room needs of the platform: the part of a session's that concerns storage, sockets and time. */
export type InboxPorts = Pick<
  RoomPorts,
  'sql' | 'transaction' | 'synced' | 'nextTurn' | 'delay' | 'setAlarm' | 'background' | 'sockets' | 'nowMs' | 'digest' | 'log'
>;
