// Run as `node container.mjs NAME docker-run-arguments…`: a container in the foreground, for a supervisor that knows
// processes. The container ends when this does, also when it is the supervisor that was killed; where this is killed itself,
// the next start ends what it left.
import { spawn } from 'node:child_process';
import { run } from './common.mjs';

/** within the eight seconds that a supervisor gives */
const STOP_S_MAX = 5;
const STOP_MS_MAX = (STOP_S_MAX + 1) * 1_000;
const REMOVE_MS_MAX = 30_000;
const REMOVE_AT_STOP_MS_MAX = 1_500;

const [name, ...args] = process.argv.slice(2);

async function remove(timeoutMs) {
  return await run('docker', ['rm', '--force', name], { timeoutMs });
}

let stopping = false;
async function stop() {
  if (stopping) return;
  stopping = true;
  await run('docker', ['stop', '-t', String(STOP_S_MAX), name], { timeoutMs: STOP_MS_MAX });
  // it is gone when it stopped by itself, and one that did not stop goes now
  await remove(REMOVE_AT_STOP_MS_MAX);
  process.exit(0);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop());
process.on('disconnect', () => void stop());

// what a killed run left has the name, and the port
await remove(REMOVE_MS_MAX);
if (!stopping) {
  // signals to the group of a terminal would reach it too: only we end it
  const child = spawn('docker', args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
  child.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(127);
  });
  child.on('exit', (code) => stopping || process.exit(code ?? 1));
}
