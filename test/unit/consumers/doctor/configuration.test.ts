import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { configurationFrom } from '../../../../consumers/doctor/configuration.ts';
import { SettingError } from '../../../../consumers/runtime/settings.ts';

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'millrace-doctor-'))));
afterEach(() => rmSync(directory, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

it('the environment wins over files, later files over earlier ones, and all over wrangler', () => {
  const wrangler = file(
    'wrangler.toml',
    '[vars]\nPUBLIC_URL = "https://a"\nUPLINKS = 4\n[env.staging.vars]\nPUBLIC_URL = "https://b"\n',
  );
  const [one, two] = [file('.env', 'NATS_URL=nats://one\nEDGE_URL="http://one"\n'), file('.dev.vars', 'NATS_URL=nats://two\n')];
  const sources = { envFiles: [one, two], wrangler };
  expect(configurationFrom({ EDGE_URL: 'http://set', NATS_URL: '' }, sources)).toEqual({
    PUBLIC_URL: 'https://a',
    UPLINKS: '4',
    NATS_URL: 'nats://two',
    EDGE_URL: 'http://set',
  });
  expect(configurationFrom({}, { envFiles: [], wrangler, environment: 'staging' })).toEqual({ PUBLIC_URL: 'https://b' });
});

it('what cannot be read is said by its name', () => {
  const wrangler = file('wrangler.toml', '[vars]\n');
  for (const sources of [
    { envFiles: [join(directory, 'none')] },
    { envFiles: [], wrangler: join(directory, 'none') },
    { envFiles: [], wrangler: file('broken.toml', '= x') },
    { envFiles: [], wrangler, environment: 'production' },
  ])
    expect(() => configurationFrom({}, sources)).toThrow(SettingError);
});

it('takes the wrangler.toml of this repository', () => {
  const wrangler = join(import.meta.dirname, '../../../../wrangler.toml');
  expect(configurationFrom({}, { envFiles: [], wrangler, environment: 'production' })).toMatchObject({
    ENVIRONMENT: 'production',
  });
});
