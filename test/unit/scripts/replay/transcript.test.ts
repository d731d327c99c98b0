import { describe, expect, it } from 'vitest';
import { parseTranscripts, repeat, sessionIds } from '../../../../scripts/replay/transcript.ts';

const line = (session: string, ...messages: [string, string, string][]): string => JSON.stringify({ session, messages });

describe('a transcript file', () => {
  it('keeps nicks that are legal user ids, and texts, exactly as they are', () => {
    const file = `${line('one', ['10:00', '[a`b]-_', ' x\u2028 '], ['10:01', 'ñandú', 'y'])}\n\n`;
    expect(parseTranscripts(file)).toEqual([
      {
        session: 'one',
        messages: [
          { userId: '[a`b]-_', text: ' x\u2028 ' },
          { userId: '%C3%B1and%C3%BA', text: 'y' },
        ],
      },
    ]);
  });

  it.each([
    ['nothing in it', '\n', /no transcript/],
    ['what is not JSON', `${line('a', ['1', 'n', 't'])}\n{`, /line 2 is not JSON/],
    ['another shape', '{"session":"a","messages":[["10:00","nick"]]}', /line 1 is no transcript: messages\.0/],
    [
      'a message the system would refuse',
      line('a', ['1', 'n', 't'], ['1', 'n', ' \t']),
      /line 1, message 2 has only white space/,
    ],
    ['a lone surrogate', '{"session":"a","messages":[["1","n","\\ud800"]]}', /lone surrogate/],
    ['a text too long', line('a', ['1', 'n', 'x'.repeat(50_001)]), /over 50000 code points/],
    ['a nick that can be no user id', line('a', ['1', 'é'.repeat(100), 't']), /cannot be made a user id/],
    ['two nicks with one user id', line('a', ['1', 'a b', 't'], ['1', 'a%20b', 't']), /give one user id/],
  ])('is refused with %s', (_name, file, expected) => {
    expect(() => parseTranscripts(file)).toThrow(expected);
  });

  it('is played several times in the same session', () => {
    const messages = [
      { userId: 'a', text: '1' },
      { userId: 'b', text: '2' },
    ];
    expect(repeat(messages, 3).map((each) => each.text)).toEqual(['1', '2', '1', '2', '1', '2']);
  });
});

describe('session ids', () => {
  const transcripts = ['team: daily', 'team: daily', 'x'.repeat(80)].map((session) => ({ session, messages: [] }));

  it('are legal, distinct and of one run', () => {
    const ids = sessionIds(transcripts, { suffix: 'run1' });
    expect(ids).toEqual(['team__daily-run1', 'team__daily-2-run1', `${'x'.repeat(59)}-run1`]);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
  });

  it('follow a given prefix', () => {
    expect(sessionIds(transcripts.slice(0, 2), { prefix: 'p-' })).toEqual(['p-team__daily', 'p-team__daily-2']);
  });
});
