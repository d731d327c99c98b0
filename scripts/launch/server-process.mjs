// A real server as a child of a test: its output goes to a file, and it is waited for and ended within bounds.
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { LaunchError } from './common.mjs';

const READY_MS_MAX = 120_000;
const READY_POLL_MS = 200;
const STOP_MS_MAX = 20_000;

/** Starts it and resolves once it answers. Throws a LaunchError of one line, which names the log, when it does not come up. */
export async function startServer({ name, command, args, logFile, answers }) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(logFile, { flags: 'a' });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  let exited = false;
  const gone = new Promise((settle) => {
    const end = () => {
      exited = true;
      log.end();
      settle();
    };
    child.once('close', end);
    child.once('error', end);
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    await gone;
    clearTimeout(timer);
  };
  const deadline = Date.now() + READY_MS_MAX;
  while (!(await answers())) {
    if (exited || Date.now() > deadline) {
      await stop();
      throw new LaunchError(`${name} did not come up: see ${logFile}`);
    }
    await new Promise((wake) => setTimeout(wake, READY_POLL_MS));
  }
  return {
    pid: child.pid,
    stop,
    /** as a crash would */
    kill: async () => {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
