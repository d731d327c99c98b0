/** One JSON line per entry: JSON escapes control characters, so that no value can forge a second line. */
export function log(level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>> = {}): void {
  const line = JSON.stringify({ at: new Date().toISOString(), level, part: 'edge', message, ...fields });
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
  if (!(error instanceof Error)) return { error: String(error) };
  return { error: error.message, stack: error.stack };
}
