// OpenTelemetry's packages: each side has those of its own, installed only where traces are asked for.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gist, LaunchError, npmCommand, npmEnvironment, progress, ROOT, run, seconds, withLock } from './common.mjs';

const FOLDERS = ['worker/telemetry', 'consumers/telemetry'];
const INSTALL_MS_MAX = 5 * 60_000;

/** Whether the environment asks for traces, as shared/telemetry/settings.ts reads it. */
export function wantsTelemetry(env) {
  return Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);
}

function lockHash(folder) {
  return createHash('sha256')
    .update(readFileSync(join(ROOT, folder, 'package-lock.json')))
    .digest('hex');
}

function isInstalled(folder) {
  const stamp = join(ROOT, folder, 'node_modules', '.millrace-install');
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash(folder);
}

/** Installs them as locked, about 20 MB each. */
export async function ensureTelemetryPackages(folders = FOLDERS) {
  if (folders.every(isInstalled)) return;
  await withLock(join(ROOT, 'dist', 'telemetry.lock'), async () => {
    for (const folder of folders.filter((each) => !isInstalled(each))) await install(folder);
  });
}

async function install(folder) {
  const startedAtMs = Date.now();
  const npm = npmCommand();
  const args = [...npm.args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const cwd = join(ROOT, folder);
  const { code, output } = await run(npm.command, args, { cwd, env: npmEnvironment(), timeoutMs: INSTALL_MS_MAX });
  if (code !== 0) throw new LaunchError(`npm ci in ${folder} failed (${gist(output)}): check the npm registry`);
  writeFileSync(join(cwd, 'node_modules', '.millrace-install'), lockHash(folder));
  progress(`${folder}: OpenTelemetry installed in ${seconds(startedAtMs)}`);
}
