import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ROOT, textOf } from './files.ts';

/** Each must be found: a linter that is switched off or cannot read types says nothing, and looks content. */
const PLANTED: Readonly<Record<string, [path: string, text: string]>> = {
  'no-floating-promises': ['worker/floating.ts', 'export function f(): void {\n  Promise.resolve(1);\n}\n'],
  'no-misused-promises': [
    'worker/misused.ts',
    'export const f = (list: number[]): void => {\n  list.forEach(async () => {});\n};\n',
  ],
  'no-explicit-any': ['shared/explicit.ts', ['export const f = (x: an', 'y): unknown => x;\n'].join('')],
  'no-unsafe-assignment': [
    'shared/unsafe.ts',
    `export const f = (): string => {\n  const x = JSON.parse('1');\n  return String(x);\n};\n`,
  ],
  eqeqeq: ['shared/equal.ts', 'export const f = (x: unknown): boolean => x == 1;\n'],
  'max-lines-per-function': ['scripts/long.ts', `export function f(x: number): void {\n${'  x += 1;\n'.repeat(70)}}\n`],
  'max-lines': ['scripts/lines.ts', `${'// why\n'.repeat(401)}export const x = 1;\n`],
  'no-default-export': ['consumers/unnamed.ts', 'export default function f(): void {}\n'],
  'filename-case': ['consumers/notKebab.ts', 'export const x = 1;\n'],
  'no-non-null-assertion': ['worker/non-null.ts', 'export const f = (x: string | undefined): string => x!;\n'],
  'switch-exhaustiveness-check': [
    'worker/switch.ts',
    `export function f(x: 'a' | 'b'): number {\n  switch (x) {\n    case 'a':\n      return 1;\n  }\n  return 2;\n}\n`,
  ],
};

const report = z.object({ diagnostics: z.array(z.object({ code: z.string(), filename: z.string(), severity: z.string() })) });
let folder = '';
let found: z.infer<typeof report>['diagnostics'] = [];
let status: number | null = null;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-lint-'));
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  put('tsconfig.json', '{ "extends": "./tsconfig.base.json", "include": ["**/*.ts"] }');
  put('tsconfig.base.json', textOf('tsconfig.base.json'));
  put('.oxlintrc.json', textOf('.oxlintrc.json'));
  for (const [path, text] of Object.values(PLANTED)) put(path, text);
  const linter = join(ROOT, 'node_modules/oxlint/bin/oxlint');
  const run = spawnSync(process.execPath, [linter, '--format=json', '.'], { cwd: folder, encoding: 'utf8', timeout: 60_000 });
  status = run.status;
  found = report.parse(JSON.parse(run.stdout)).diagnostics;
}, 70_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the linter', () => {
  it.each(Object.entries(PLANTED))('finds a breach of %s', (rule, [path]) => {
    expect(found.filter(({ code }) => code.endsWith(`(${rule})`)).map(({ filename, severity }) => [filename, severity])).toEqual([
      [path, 'error'],
    ]);
  });

  it('then fails', () => {
    expect(status).toBe(1);
  });
});
