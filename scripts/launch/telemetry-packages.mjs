// OpenTelemetry's packages: each side has those of its own, installed only where traces are asked for.
import { join } from 'node:path';
import { LaunchError, ROOT, withLock } from './common.mjs';
import { installIn, isInstalledIn } from './folder-packages.mjs';

const FOLDERS = ['worker/telemetry', 'consumers/telemetry'];

/** Whether the environment asks for traces, as shared/telemetry/settings.ts reads it. */
export function wantsTelemetry(env) {
  return Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);
}

/** Installs them as locked, about 20 MB each. */
export async function ensureTelemetryPackages(folders = FOLDERS) {
  if (folders.every(isInstalledIn)) return;
  await withLock(join(ROOT, 'dist', 'telemetry.lock'), async () => {
    for (const folder of folders.filter((each) => !isInstalledIn(each))) {
      const error = await installIn(folder, 'OpenTelemetry');
      if (error !== undefined) throw new LaunchError(error);
    }
  });
}
