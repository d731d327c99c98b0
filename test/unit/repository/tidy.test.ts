import { homedir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { bytesOf, isSource, isText, repositoryFiles, ROOT, textOf } from './files.ts';

const LINES_MAX = 400;
const FILE_BYTES_MAX = 512 * 1024;
const files = repositoryFiles();
const texts = files.filter(isText).map((path) => ({ path, text: textOf(path) }));
const typescript = texts.filter(({ path }) => /\.[mc]?tsx?$/.test(path));

/** Paths of the texts that match; patterns below are put together so that they do not match themselves. */
function holding(pattern: RegExp, among = texts): string[] {
  return among.filter(({ text }) => pattern.test(text)).map(({ path }) => path);
}

describe('files', () => {
  it(`of code have at most ${LINES_MAX} lines`, () => {
    const code = texts.filter(({ path }) => isSource(path) || /\.(?:html|css|sql|cql|sh)$/.test(path));
    const long = code.map(({ path, text }) => `${path}: ${text.trimEnd().split('\n').length}`);
    expect(long.filter((line) => Number(line.split(': ').at(-1)) > LINES_MAX)).toEqual([]);
  });

  it('have kebab-case names, but for those that tools and custom fix', () => {
    const fixed = /^(?:\.[\w.-]+|[A-Z]+(?:\.md)?|Dockerfile(?:\.dockerignore)?)$/;
    const kebab = /^\d*[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/;
    expect(files.filter((path) => !path.split('/').every((name) => kebab.test(name) || fixed.test(name)))).toEqual([]);
  });

  it(`are at most ${FILE_BYTES_MAX / 1024} KiB each`, () => {
    expect(files.filter((path) => bytesOf(path).length > FILE_BYTES_MAX)).toEqual([]);
  });

  it('of TypeScript hold no any', () => {
    // as a type, not as a word of prose: the linter knows the rest
    expect(holding(/(?:[:<|]\s*|\bas )any(?=[;,)>[\]]| [=|&{])/, typescript)).toEqual([]);
  });

  it('explain every suppression', () => {
    const unexplained = texts
      .filter(({ path }) => isSource(path))
      .flatMap(({ path, text }) =>
        text
          .split('\n')
          .filter((line) => /^\s*(?:\/\/|\/\*|\*|.*\S\s+\/\/)\s*(?:@ts-|(?:ox|es)lint-dis)/.test(line))
          .filter((line) => !/(?:@ts-expect-error\s+|(?:ox|es)lint-dis\S+\s.*--\s*)\S.{9,}/.test(line))
          .map((line) => `${path}: ${line.trim()}`),
      );
    expect(unexplained).toEqual([]);
  });
});

describe('what is committed', () => {
  it('holds no path of anyone’s home, nor of this checkout', () => {
    expect(holding(new RegExp(`(?<![\\w.~-])/(?:${['home', 'Users', 'root'].join('|')})/[\\w.-]`))).toEqual([]);
    // a checkout in a folder as plain as /src says nothing: such a path stands in good texts too
    for (const place of [ROOT, homedir()].filter((path) => path.split('/').length > 2)) {
      expect(texts.filter(({ text }) => text.includes(`${place}/`)).map(({ path }) => path)).toEqual([]);
    }
  });

  it('holds no private key and no token', () => {
    const marks = ['-{5}BEGIN [A-Z ]*PRIVATE KEY', '\\beyJ[\\w-]{10,}\\.eyJ[\\w-]{10,}\\.', '\\bnpm_[A-Za-z0-9]{30,}'];
    expect(holding(new RegExp(marks.join('|')))).toEqual([]);
  });

  it('names no registry in the lock file, and npm is told to leave them out', () => {
    expect(textOf('package-lock.json')).not.toMatch(/"resolved":\s*"http/);
    expect(textOf('.npmrc')).toContain('omit-lockfile-registry-resolved=true');
  });

  it('ends lines with a newline alone, and ends with one', () => {
    expect(holding(/\r\n/)).toEqual([]);
    expect(texts.filter(({ text }) => text !== '' && !text.endsWith('\n')).map(({ path }) => path)).toEqual([]);
  });
});
