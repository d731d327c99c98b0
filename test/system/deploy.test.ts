import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const DRY_RUN_MS_MAX = 90_000;
const run = promisify(execFile);
// only what is looked at: wrangler's own types want those of Workers, which do not live beside Node's
const { unstable_readConfig: read } = (await import('wrangler')) as {
  unstable_readConfig: (options: { config: string; env: string }) => unknown;
};
const schema = z.object({
  name: z.string(),
  migrations: z.array(z.object({ new_sqlite_classes: z.array(z.string()).optional() })),
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
  vars: z.record(z.string(), z.string()),
});
const readConfig = (env: string) => schema.parse(read({ config: join(ROOT, 'wrangler.toml'), env }));
const out = mkdtempSync(join(tmpdir(), 'millrace-deploy-'));

afterAll(() => rmSync(out, { recursive: true, force: true }));

const environments = ['staging', 'production'] as const;

test.each(environments)('%s: wrangler accepts the configuration and uploads the bundle that was tested', async (environment) => {
  const wrangler = join(dirname(createRequire(import.meta.url).resolve('wrangler/package.json')), 'bin/wrangler.js');
  const folder = join(out, environment);
  const { stdout } = await run(process.execPath, [wrangler, 'deploy', '--dry-run', '--env', environment, '--outdir', folder], {
    cwd: ROOT,
    timeout: DRY_RUN_MS_MAX,
    env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_LOG_PATH: join(out, 'logs'), CI: 'true', NO_COLOR: '1' },
  });
  expect(stdout).toMatch(/env\.SESSION \(Session\)\s+Durable Object/);
  expect(stdout).toMatch(/env\.UPLINK \(Uplink\)\s+Durable Object/);
  expect(stdout).toMatch(/env\.INBOX \(Inbox\)\s+Durable Object/);
  expect(stdout).toContain('--dry-run: exiting now.');
  // both modules: the second is OpenTelemetry, which every deployment can be asked for
  for (const module of ['index.js', 'telemetry.js']) {
    const bundle = readFileSync(join(ROOT, 'dist/edge', module), 'utf8').replace(/\n\/\/# sourceMappingURL.*\n?$/, '');
    expect(readFileSync(join(folder, module), 'utf8')).toContain(bundle);
  }
  expect(readFileSync(join(folder, 'telemetry.js'), 'utf8')).toContain('TracerProvider');
});

test.each(environments)('%s: every class is a SQLite class of a migration, and no secret is a variable', (environment) => {
  const config = readConfig(environment);
  const created = config.migrations.flatMap((migration) => migration.new_sqlite_classes ?? []);
  const bound = config.durable_objects.bindings.map((binding) => binding.class_name);
  expect(bound.toSorted()).toEqual(['Inbox', 'Session', 'Uplink']);
  expect(created).toEqual(expect.arrayContaining(bound));
  expect(config.vars['ENVIRONMENT']).toBe('production');
  expect(config.vars['NATS_WS_URL']).toMatch(/^wss:/);
  for (const name of ['JWT_SECRET', 'INTERNAL_SECRET', 'NATS_CREDS']) expect(config.vars).not.toHaveProperty(name);
});

test('the environments have the same bindings, and the same names of variables', () => {
  const [staging, production] = environments.map(readConfig);
  expect(staging?.durable_objects.bindings).toEqual(production?.durable_objects.bindings);
  expect(Object.keys(staging?.vars ?? {}).toSorted()).toEqual(Object.keys(production?.vars ?? {}).toSorted());
  expect(staging?.name).not.toBe(production?.name);
});
