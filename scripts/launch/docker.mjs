// What every server in a container needs of the Docker engine that the `docker` on PATH speaks to.
import { gist, LaunchError, onPath, progress, run, seconds } from './common.mjs';

const ENGINE_MS_MAX = 5_000;
const INSPECT_MS_MAX = 30_000;
const PULL_MS_MAX = 10 * 60_000;

/** True when an engine answers within five seconds: the program alone is often there without one. */
export async function dockerAnswers() {
  const docker = onPath('docker');
  if (!docker) return false;
  const { code } = await run(docker, ['version', '--format', '{{.Server.Version}}'], { timeoutMs: ENGINE_MS_MAX });
  return code === 0;
}

/** The image is here, or fetched now. Throws a LaunchError of one line when it cannot be had. */
export async function ensureImage(image, size) {
  const known = await run('docker', ['image', 'inspect', image], { timeoutMs: INSPECT_MS_MAX });
  if (known.code === 0) return;
  const startedAtMs = Date.now();
  progress(`fetching ${image} by Docker (about ${size})`);
  const { code, output } = await run('docker', ['pull', '--quiet', image], { timeoutMs: PULL_MS_MAX });
  if (code !== 0) throw new LaunchError(`${image} could not be fetched by Docker: ${gist(output)}`);
  progress(`${image} fetched in ${seconds(startedAtMs)}`);
}
