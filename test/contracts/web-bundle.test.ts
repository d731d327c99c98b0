import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { requireOrSkip } from '../support/requirement.ts';

const FOLDER = resolve(dirname(fileURLToPath(import.meta.url)), '../../dist/web');
const FIRST_LOAD_KB_MAX = 200;
const STYLE_KB_MAX = 20;

const manifest = z.object({ scripts: z.array(z.string()).min(1), style: z.string(), files: z.array(z.string()) });
const isThere = existsSync(join(FOLDER, 'manifest.json'));

function kB(name: string): number {
  return gzipSync(readFileSync(join(FOLDER, 'assets', name)), { level: 9 }).length / 1_000;
}

requireOrSkip('the built pages', isThere ? undefined : 'dist/web is not there: run by npm test')('the built pages', () => {
  const built = (): z.infer<typeof manifest> => manifest.parse(JSON.parse(readFileSync(join(FOLDER, 'manifest.json'), 'utf8')));

  test(`load at most ${FIRST_LOAD_KB_MAX} kB of compressed JavaScript before anything shows`, () => {
    const { scripts, style } = built();
    const sizes = scripts.map((name) => `${name} ${kB(name).toFixed(1)}`).join(', ');
    const total = scripts.reduce((sum, name) => sum + kB(name), 0);
    expect(total, sizes).toBeLessThanOrEqual(FIRST_LOAD_KB_MAX);
    // a manifest that names next to nothing would pass too
    expect(total, sizes).toBeGreaterThan(60);
    expect(kB(style)).toBeLessThanOrEqual(STYLE_KB_MAX);
  });

  test('bring what is not needed at first in files of their own', () => {
    const { scripts, files } = built();
    for (const part of ['overlays', 'oidc', 'admin-page']) {
      expect(files.filter((name) => name.startsWith(`${part}-`))).toHaveLength(1);
      expect(scripts.filter((name) => name.startsWith(`${part}-`))).toEqual([]);
    }
  });

  test('hold no inline script or style, and name no other host', () => {
    const shell = readFileSync(join(FOLDER, 'shell.html'), 'utf8');
    expect(shell).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/);
    const addresses = [...shell.matchAll(/(?:href|src)="([^"]*)"/g)].map(([, address = '']) => address);
    expect(addresses.filter((address) => !/^(?:\/|data:image\/svg\+xml,)/.test(address))).toEqual([]);
  });
});
