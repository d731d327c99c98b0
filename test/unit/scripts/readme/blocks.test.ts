import { describe, expect, it } from 'vitest';
import { blocksOf } from '../../../../scripts/readme/blocks.ts';

const page = (...lines: string[]): string => lines.join('\n');

describe('the fenced blocks of a page', () => {
  it('are run word for word unless a comment above says otherwise', () => {
    const [block] = blocksOf('a.md', page('Text', '', '```sh', 'echo 1', '', 'echo 2', '```'));
    expect(block).toEqual({ file: 'a.md', line: 3, language: 'sh', text: 'echo 1\n\necho 2\n', run: { how: 'here' } });
  });

  it('go on in the background, or are not run for a reason', () => {
    const runs = blocksOf(
      'a.md',
      page(
        '<!-- run: background, until "listening" -->',
        '```sh',
        'x',
        '```',
        '<!-- run: not, costs money -->',
        '',
        '```ts',
        'y',
        '```',
      ),
    ).map(({ run }) => run);
    expect(runs).toEqual([
      { how: 'background', until: 'listening' },
      { how: 'not', reason: 'costs money' },
    ]);
  });

  it('that nobody would run are only looked at', () => {
    const runs = blocksOf('a.md', page('```mermaid', 'x', '```', '```', 'y', '```')).map(({ run }) => run.how);
    expect(runs).toEqual(['not', 'not']);
  });

  it('a comment speaks of the block right below it only', () => {
    const runs = blocksOf('a.md', page('<!-- run: not, slow -->', '```sh', 'x', '```', '', '```sh', 'y', '```')).map(
      ({ run }) => run.how,
    );
    expect(runs).toEqual(['not', 'here']);
  });

  it('refuses a comment that it does not know, and a fence without an end', () => {
    expect(() => blocksOf('a.md', page('<!-- run: maybe -->', '```sh', 'x', '```'))).toThrow(
      'a.md:2: "run: maybe" means nothing',
    );
    expect(() => blocksOf('a.md', page('```sh', 'x'))).toThrow('a.md:1: this fence is not closed');
  });

  it('may be indented, and may hold shorter fences', () => {
    const [block, ...more] = blocksOf('a.md', page('- item', '  ````sh', '  echo ```', '  ````'));
    expect(block?.text).toBe('echo ```\n');
    expect(more).toEqual([]);
  });
});
