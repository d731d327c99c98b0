/** What the platform meters, of one thing that was done so many times. */
export interface Usage {
  /** requests to the Worker: calls of clients and of the consumers; messages of sockets are none */
  workerRequests: number;
  /** calls of objects: requests, RPC, alarms, connections */
  objectRequests: number;
  /** messages of sockets to objects, of which 20 are billed as one request */
  socketMessages: number;
  /** of those calls: alarms */
  alarms: number;
  /** objects that were new, or that the platform would have put to sleep before */
  wakes: number;
  /** rows that SQLite says were written, alarms that were set among them */
  rowsWritten: number;
  /** milliseconds in which objects had something to do; what waits for another object counts in both */
  activeMs: number;
  /** rows written, by object and table: `Session.events` */
  rows: Record<string, number>;
  /** calls, by object and method: `Session.execute` */
  calls: Record<string, number>;
}

/** Names as servers/counting-edge.mjs counts them. */
export type Counts = Readonly<Record<string, number>>;

const SOCKET_MESSAGE = 'webSocketMessage';
/** the platform does not bill for the news that a socket is gone */
const UNBILLED = ['webSocketClose', 'webSocketError'];

/** What happened between two looks at the counts, for each of `units`. */
export function usageBetween(before: Counts, after: Counts, units: number): Usage {
  const usage: Usage = {
    workerRequests: 0,
    objectRequests: 0,
    socketMessages: 0,
    alarms: 0,
    wakes: 0,
    rowsWritten: 0,
    activeMs: 0,
    rows: {},
    calls: {},
  };
  for (const [name, count] of Object.entries(after)) {
    const each = (count - (before[name] ?? 0)) / units;
    if (each !== 0) note(usage, name, each);
  }
  return usage;
}

function note(usage: Usage, name: string, each: number): void {
  const [owner = '', what = '', detail = ''] = name.split('.');
  if (owner === 'Worker') usage.workerRequests += each;
  else if (what === 'wakes') usage.wakes += each;
  else if (what === 'activeMs') usage.activeMs += each;
  else if (what === 'rows') {
    usage.rowsWritten += each;
    usage.rows[`${owner}.${detail}`] = each;
  } else if (what === 'calls') {
    usage.calls[`${owner}.${detail}`] = each;
    if (detail === SOCKET_MESSAGE) usage.socketMessages += each;
    else if (!UNBILLED.includes(detail)) usage.objectRequests += each;
    if (detail === 'alarm') usage.alarms += each;
  }
}
