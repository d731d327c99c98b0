/** longer values are cut: a log line is read by people and shipped by agents with limits */
const VALUE_CHARS_MAX = 500;
/** a stack is more than one line of prose */
const STACK_CHARS_MAX = 4_000;

/**
 * One line of JSON, so that no value can forge a second one. Control characters are escaped, those too that JSON leaves as they
 * are (DEL, C1 and the Unicode line separators): terminals and line readers act on them.
 */
export function logLine(entry: Readonly<Record<string, unknown>>): string {
  const json = JSON.stringify(entry, (key, value: unknown) => {
    if (typeof value !== 'string') return value;
    return withoutQuotes(value).slice(0, key === 'stack' ? STACK_CHARS_MAX : VALUE_CHARS_MAX);
  });
  return json.replace(/[\u007f-\u009f\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const UNREADABLE = 'SyntaxError: not readable';

/** The message of whatever was thrown. A parser's is left out: it quotes what it read, which may be a message's text. */
export function errorText(error: unknown): string {
  if (error instanceof SyntaxError) return UNREADABLE;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** The same for an error that somebody made into a string before. */
function withoutQuotes(value: string): string {
  return value.startsWith('SyntaxError: ') ? UNREADABLE : value;
}
