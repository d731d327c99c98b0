import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from '../../repository/files.ts';

const run = promisify(execFile);
const LAUNCH = ['web-build.mjs', 'build-step.mjs', 'common.mjs', 'folder-packages.mjs'];

/** A checkout with nothing in it but what builds the pages, a builder that writes one file, and an npm that does as it is told. */
let root: string;
const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const has = (path: string): boolean => existsSync(join(root, path));

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-pages-'));
  for (const name of LAUNCH) {
    mkdirSync(join(root, 'scripts/launch'), { recursive: true });
    copyFileSync(join(ROOT, 'scripts/launch', name), join(root, 'scripts/launch', name));
  }
  put(
    'scripts/build-web.mjs',
    `import { writeFileSync } from 'node:fs';\nwriteFileSync(process.argv[2] + '/shell.html', 'built');\n`,
  );
  for (const file of [
    'package-lock.json',
    'tsconfig.base.json',
    'web/package-lock.json',
    'web/main.tsx',
    'client/a.ts',
    'shared/a.ts',
  ])
    put(file, '');
  npm('mkdir -p node_modules');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function npm(script: string): void {
  put('bin/npm', `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, 'bin/npm'), 0o755);
}

/** What is said. */
async function ensure(mode: string): Promise<string> {
  const source = `import { ensureWebPages } from ${JSON.stringify(join(root, 'scripts/launch/web-build.mjs'))};\nawait ensureWebPages('${mode}');`;
  const env = { PATH: `${join(root, 'bin')}${delimiter}/usr/bin${delimiter}/bin`, HOME: root };
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', source], { cwd: root, env });
  return stdout;
}

describe('the pages', () => {
  it('are built by a start, which removes the packages that it brought, and builds nothing twice', async () => {
    expect(await ensure('production')).toMatch(/installed in [\s\S]*pages built in/);
    expect(has('dist/web/shell.html')).toBe(true);
    expect(has('web/node_modules')).toBe(false);
    expect(await ensure('production')).toBe('');
    put('client/a.ts', 'changed');
    expect(await ensure('production')).toMatch(/pages built in/);
  });

  it('leave the packages of who works on them', async () => {
    await ensure('full');
    expect(has('web/node_modules')).toBe(true);
    put('web/main.tsx', 'changed');
    expect(await ensure('production')).toMatch(/pages built in/);
    expect(has('web/node_modules')).toBe(true);
  });

  it('are missing where there is no registry: one line says why, and the next start tries again', async () => {
    npm('echo "npm error code ENOTFOUND: registry unreachable" >&2; exit 1');
    const said = await ensure('production');
    expect(said.trim().split('\n')).toHaveLength(1);
    expect(said).toMatch(/the pages are missing \(npm ci in web failed .*ENOTFOUND.*everything else runs/);
    expect(has('dist/web')).toBe(true);
    npm('mkdir -p node_modules');
    expect(await ensure('production')).toMatch(/pages built in/);
  });

  it('of an earlier build are served on where a new one cannot be made', async () => {
    await ensure('production');
    put('web/main.tsx', 'changed');
    npm('exit 1');
    expect(await ensure('production')).toMatch(/the pages are of an earlier build/);
    expect(has('dist/web/shell.html')).toBe(true);
  });

  it('must be there for a deployment, and must build for who works on them', async () => {
    npm('exit 1');
    await expect(ensure('deploy')).rejects.toThrow(/the pages are missing/);
    npm('mkdir -p node_modules');
    put('scripts/build-web.mjs', 'throw new Error("a typo");\n');
    await expect(ensure('full')).rejects.toThrow(/do not build[\s\S]*a typo/);
    expect(await ensure('production')).toMatch(/the pages are missing \(they do not build/);
  });
});
