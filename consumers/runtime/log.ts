/** One JSON line per entry, control characters escaped; never the text of a message, never a secret. */
export type LogLevel = 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;
export type Log = (level: LogLevel, msg: string, fields?: LogFields) => void;

/** longer values are cut: a log line is read by people and shipped by agents with limits */
const VALUE_CHARS_MAX = 500;

export function jsonLog(write: (line: string) => void, now: () => number = Date.now): Log {
  return (level, msg, fields = {}) => {
    const entry: Record<string, unknown> = { at: new Date(now()).toISOString(), level, msg };
    for (const [key, value] of Object.entries(fields)) {
      entry[key] = typeof value === 'string' ? value.slice(0, VALUE_CHARS_MAX) : value;
    }
    write(`${escapeControls(JSON.stringify(entry))}\n`);
  };
}

/** JSON leaves DEL, C1 controls and the Unicode line separators as they are; terminals and line readers act on them. */
function escapeControls(json: string): string {
  return json.replace(/[\u007f-\u009f\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The message of whatever was thrown, bounded. */
export function describe(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.slice(0, VALUE_CHARS_MAX);
}
