import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

interface ProcessTimes {
  pid: number;
  parent: number;
  cpuMs: number;
}

/** USER_HZ, which the Linux ABI fixes at 100 for /proc (proc_pid_stat(5)) */
const MS_PER_TICK = 10;

/**
 * CPU time in milliseconds, user and system, that the live processes of the trees below `roots` have used so far: one figure for
 * each set of roots, all of the same moment. From /proc on Linux (steps of 10 ms), from `ps` elsewhere (10 ms on macOS, up to 1 s on others).
 */
export function treesCpuMs<const T extends readonly (readonly number[])[]>(sets: T): { [K in keyof T]: number } {
  const times = process.platform === 'linux' ? fromProc() : fromPs();
  return sets.map((roots) => sumBelow(times, roots)) as { [K in keyof T]: number };
}

/** CPU time in milliseconds of the processes of the trees below `roots`. */
export function treeCpuMs(roots: readonly number[]): number {
  return treesCpuMs([roots])[0];
}

/** CPU time in milliseconds that all processes of the machine have used since it started, over all cores. */
export function machineCpuMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}

function sumBelow(times: readonly ProcessTimes[], roots: readonly number[]): number {
  const wanted = new Set(roots);
  // parents may stand after their children: repeat until no process is added
  for (let before = -1; before !== wanted.size;) {
    before = wanted.size;
    for (const each of times) if (wanted.has(each.parent)) wanted.add(each.pid);
  }
  return times.reduce((sum, each) => (wanted.has(each.pid) ? sum + each.cpuMs : sum), 0);
}

function fromProc(): ProcessTimes[] {
  const times: ProcessTimes[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      times.push(parseProcStat(pid, readFileSync(`/proc/${name}/stat`, 'latin1')));
    } catch {
      // it ended between the listing and the reading
    }
  }
  return times;
}

/** One line of /proc/{pid}/stat. The command stands in parentheses and may itself hold spaces and parentheses. */
export function parseProcStat(pid: number, line: string): ProcessTimes {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return { pid, parent: Number(fields[1]), cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK };
}

function fromPs(): ProcessTimes[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,time='], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => {
    const [pid = '', parent = '', time = ''] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), cpuMs: parsePsTime(time) };
  });
}

/** `[[dd-]hh:]mm:ss[.cc]` of ps, in milliseconds. */
export function parsePsTime(time: string): number {
  const [days, clock] = time.includes('-') ? (time.split('-') as [string, string]) : ['0', time];
  const seconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return Math.round((Number(days) * 86_400 + seconds) * 1_000);
}
