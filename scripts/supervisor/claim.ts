import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess, identify, isRunning, type ProcessIdentity } from './process-identity.ts';
import { SettingsError } from './settings.ts';

/** Who runs a data directory, and which processes it started. */
interface Claim {
  supervisor: ProcessIdentity;
  children: Record<string, ProcessIdentity>;
}

export interface DataDirClaim {
  /** notes a started process, so that the next start can end it should we be killed */
  remember(name: string, pid: number): void;
  forget(name: string): void;
  release(): void;
}

function readClaim(file: string): Claim | undefined {
  try {
    // We wrote it; a half-written one cannot be, as it is renamed into place.
    return JSON.parse(readFileSync(file, 'utf8')) as Claim;
  } catch {
    return undefined;
  }
}

/**
 * Takes the data directory for this process. Processes that a killed predecessor left behind on it are ended first: workerd outlives
 * its parent and would keep the port and the storage. Throws SettingsError when another supervisor runs on it.
 */
export async function claimDataDir(dataDir: string, say: (line: string) => void): Promise<DataDirClaim> {
  const directory = join(dataDir, 'run');
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'supervisor.json');
  const self = identify(process.pid);
  if (!self) throw new Error('cannot identify this process');
  const previous = readClaim(file);
  if (previous) {
    if (isRunning(previous.supervisor)) {
      throw new SettingsError(
        `${dataDir} is in use by a running Millrace (process ${previous.supervisor.pid}): stop it, or set DATA_DIR`,
      );
    }
    for (const [name, orphan] of Object.entries(previous.children)) {
      if (!isRunning(orphan)) continue;
      say(`ending ${name} (process ${orphan.pid}), left behind by a run that was killed`);
      await endProcess(orphan);
    }
    rmSync(file, { force: true });
  }
  const claim: Claim = { supervisor: self, children: {} };
  try {
    writeFileSync(file, JSON.stringify(claim), { flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    throw new SettingsError(`${dataDir} was taken by another Millrace just now: stop it, or set DATA_DIR`);
  }
  const save = (): void => {
    writeFileSync(`${file}.new`, JSON.stringify(claim));
    renameSync(`${file}.new`, file);
  };
  return {
    remember(name, pid) {
      const identity = identify(pid);
      if (identity) claim.children[name] = identity;
      save();
    },
    forget(name) {
      delete claim.children[name];
      save();
    },
    release() {
      rmSync(file, { force: true });
    },
  };
}
