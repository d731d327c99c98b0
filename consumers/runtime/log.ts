import { errorText, logLine } from '../../shared/telemetry/log-line.ts';

/** One JSON line per entry, control characters escaped; never the text of a message, never a secret. */
export type LogLevel = 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
export type Log = (level: LogLevel, msg: string, fields?: LogFields) => void;

/** an error's text is cut to this */
const ERROR_CHARS_MAX = 500;

export function jsonLog(write: (line: string) => void, now: () => number = Date.now): Log {
  return (level, msg, fields = {}) => write(`${logLine({ at: new Date(now()).toISOString(), level, msg, ...fields })}\n`);
}

/** The message of whatever was thrown, bounded. */
export function describe(error: unknown): string {
  return errorText(error).slice(0, ERROR_CHARS_MAX);
}
