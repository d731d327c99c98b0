import { errorText, logLine } from '../shared/telemetry/log-line.ts';

/** One JSON line per entry, control characters escaped; never the text of a message, never a secret. */
export function log(level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  const line = logLine({ at: new Date().toISOString(), level, part: 'edge', message, ...fields });
  if (level === 'error') console.error(line);
  else console.log(line);
}

/** reasons remembered per isolate; beyond it they are logged each time */
const REASONS_MAX = 100;
const logged = new Set<string>();

/** For what is wrong with the configuration: true of every request, so said once per isolate. */
export function logOnce(reason: string): void {
  if (logged.has(reason)) return;
  if (logged.size < REASONS_MAX) logged.add(reason);
  log('error', reason);
}

export function describeError(error: unknown): Record<string, unknown> {
  const text = errorText(error);
  if (!(error instanceof Error)) return { error: text };
  // the first lines of a stack are the message again, which may be one that must not be said
  const at = error.stack?.indexOf('\n    at ') ?? -1;
  return { error: text, ...(at === -1 ? {} : { stack: error.stack?.slice(at + 1) }) };
}
