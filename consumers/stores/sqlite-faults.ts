import { StoreUnavailable } from './store-unavailable.ts';

/** Primary result codes that speak of the file, the disk or the machine and not of what was written (sqlite.org/rescode.html). */
const STORE_FAULTS: ReadonlyMap<number, string> = new Map([
  [5, 'SQLITE_BUSY'],
  [6, 'SQLITE_LOCKED'],
  [7, 'SQLITE_NOMEM'],
  [8, 'SQLITE_READONLY'],
  [10, 'SQLITE_IOERR'],
  [13, 'SQLITE_FULL'],
  [14, 'SQLITE_CANTOPEN'],
  [15, 'SQLITE_PROTOCOL'],
]);

/** A StoreUnavailable for an error of SQLite that is the store's own; any other error as it is. */
export function asStoreFault(error: unknown): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error;
  // an extended code has its primary one in the lowest byte
  const fault = STORE_FAULTS.get(error.errcode & 0xff);
  return fault === undefined ? error : new StoreUnavailable(`${fault}: ${error.message}`, { cause: error });
}
