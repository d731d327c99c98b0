import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process, safe against its pid being given to another one: `startedAt` is the system's own note of when it started. */
export interface ProcessIdentity {
  pid: number;
  startedAt: string;
}

/** What the system says of when this pid started, or undefined when there is no such process (a zombie counts as none). */
function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The name, in brackets, may hold anything: the fields are counted after its last bracket (proc(5): 3 state, 22 starttime).
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return fields[0] === 'Z' ? undefined : `${boot}/${fields[19]}`;
    } catch {
      return undefined;
    }
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = startOf(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** True while that very process runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return startOf(identity.pid) === identity.startedAt;
}

const END_MS_MAX = 5_000;
const POLL_MS = 20;

/** Ends a process at once and waits until it is gone. Throws when it is still there after END_MS_MAX. */
export async function endProcess(identity: ProcessIdentity): Promise<void> {
  const deadline = Date.now() + END_MS_MAX;
  while (isRunning(identity)) {
    try {
      process.kill(identity.pid, 'SIGKILL');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
    if (Date.now() > deadline) throw new Error(`process ${identity.pid} does not end`);
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
}
