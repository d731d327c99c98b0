// A Java of one version for the servers that need one: JAVA_HOME, PATH, and where systems put them.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { onPath, run } from './common.mjs';

const CHECK_MS_MAX = 20_000;
const FOLDERS = ['/usr/lib/jvm', '/Library/Java/JavaVirtualMachines'];

async function majorOf(java) {
  const { code, output } = await run(java, ['-version'], { timeoutMs: CHECK_MS_MAX });
  return code === 0 ? Number(/version "(\d+)/.exec(output)?.[1]) : undefined;
}

function installed() {
  return FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) =>
    readdirSync(folder).flatMap((name) => [join(folder, name, 'bin/java'), join(folder, name, 'Contents/Home/bin/java')]),
  );
}

/** Path of a java of that version, or undefined. */
export async function findJava(major) {
  const home = process.env.JAVA_HOME;
  const candidates = [...(home ? [join(home, 'bin/java')] : []), onPath('java'), ...installed()];
  for (const java of new Set(candidates.filter((file) => file && existsSync(file)))) {
    if ((await majorOf(java)) === major) return java;
  }
  return undefined;
}
