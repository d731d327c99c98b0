import { afterEach, describe, expect, it, vi } from 'vitest';
import { describe as describeThrown, jsonLog } from '../../../../consumers/runtime/log.ts';
import { describeError, log } from '../../../../worker/log.ts';

const HOSTILE = 'a\nb\r\u0000\u001b[2J\u007f\u0085\u009b\u2028\u2029{"level":"info"}';

afterEach(() => vi.restoreAllMocks());

/** What each logger makes of the same fields. */
function lines(fields: Record<string, unknown>): string[] {
  const written: string[] = [];
  for (const method of ['log', 'error'] as const) {
    vi.spyOn(console, method).mockImplementation((line: unknown) => void written.push(String(line)));
  }
  log('error', HOSTILE, fields);
  jsonLog(
    (line) => written.push(line.replace(/\n$/, '')),
    () => 0,
  )('error', HOSTILE, fields as Record<string, string>);
  return written;
}

describe('a log line, of the edge and of the consumers', () => {
  it('is one line of JSON whatever is in it, and acts on no terminal', () => {
    const written = lines({ error: HOSTILE, [HOSTILE]: HOSTILE, trace_id: 'x' });
    expect(written).toHaveLength(2);
    for (const line of written) {
      // oxlint-disable-next-line no-control-regex -- it is about these
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
      expect(JSON.parse(line)).toMatchObject({ level: 'error', error: HOSTILE, trace_id: 'x' });
    }
  });

  it('is of bounded length', () => {
    for (const line of lines({ error: 'x'.repeat(100_000) })) expect(line.length).toBeLessThan(2_000);
  });

  it('does not repeat what a parser could not read', () => {
    const text = 'the words of a message';
    let thrown: unknown;
    try {
      JSON.parse(text);
    } catch (error) {
      thrown = error;
    }
    expect(String(thrown)).toContain('the words');
    const written = [
      ...lines({ error: String(thrown), ...describeError(thrown) }),
      ...lines({ error: describeThrown(thrown) }),
      ...lines({ ...describeError(new TypeError(`about\n${HOSTILE}`)) }),
    ];
    expect(written.join('\n')).not.toContain('the words');
    expect(JSON.parse(written[0] ?? '')).toMatchObject({
      error: 'SyntaxError: not readable',
      stack: expect.stringMatching(/^ {4}at /) as string,
    });
  });
});
