import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KINDS } from '../../faults/plan.ts';
import { SCENES } from '../../faults/scenes.ts';
import { ROOT, textOf } from './files.ts';

/** docs/guarantees.md names tests and commands: they must be there. */

const PAGE = 'docs/guarantees.md';
const PROMISES = 10;
const text = textOf(PAGE);

/** every file that is linked, with the titles of tests that stand in quotes behind it */
function links(): { path: string; titles: string[] }[] {
  return [...text.matchAll(/\]\(\.\.\/([^)]+)\)((?:\s*"[^"]+")*)/g)].map(([, path = '', quoted = '']) => ({
    path,
    titles: [...quoted.matchAll(/"([^"]+)"/g)].map(([, title = '']) => title),
  }));
}

describe('the page of guarantees', () => {
  it('links files that exist', () => {
    expect(
      links()
        .map(({ path }) => path)
        .filter((path) => !existsSync(join(ROOT, path))),
    ).toEqual([]);
    expect(links().length).toBeGreaterThan(PROMISES);
  });

  it('names tests that exist, by their titles', () => {
    const named = links().flatMap(({ path, titles }) => titles.map((title) => ({ path, title })));
    const missing = named.filter(({ path, title }) => !['test', 'it'].some((call) => calls(textOf(path), call, title)));
    expect(missing).toEqual([]);
    expect(named.length).toBeGreaterThan(PROMISES);
  });

  it('has a row for each promise, with a test each', () => {
    const rows = text.split('\n').filter((line) => /^\| P\d+ \|/.test(line));
    expect(rows.map((row) => /P\d+/.exec(row)?.[0])).toEqual(Array.from({ length: PROMISES }, (_, at) => `P${at + 1}`));
    expect(rows.filter((row) => !/\]\(\.\.\/test\/[^)]+\.ts\)/.test(row))).toEqual([]);
  });

  it('names commands and faults that exist', () => {
    const scripts = (JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }).scripts;
    const commands = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name);
    expect(commands.filter((name) => scripts[name] === undefined)).toEqual([]);
    const known: readonly string[] = [...KINDS, ...SCENES];
    const faults = [...text.matchAll(/--only ([a-z -]+?)(?: --|`)/g)].flatMap(([, names = '']) => names.trim().split(' '));
    expect(faults.filter((name) => !known.includes(name))).toEqual([]);
    expect(faults.length).toBeGreaterThan(0);
  });
});

function calls(source: string, call: string, title: string): boolean {
  const before = source.split(title)[0];
  return before !== source && new RegExp(`\\b${call}\\(\\s*['"\`]$`).test(before ?? '');
}
