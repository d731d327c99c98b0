// Adds to package-lock.json the optional packages of other platforms that the registry at hand did not offer when the lock was made.
// Without them `npm ci` refuses the lock on every platform. Run it after `npm install` has changed the lock; it only ever adds.
// The added entries have no integrity: npm notes it the first time such a platform installs.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const OS = {
  android: 'android',
  darwin: 'darwin',
  freebsd: 'freebsd',
  linux: 'linux',
  win32: 'win32',
  windows: 'win32',
  openharmony: 'openharmony',
};
const CPU = {
  arm: 'arm',
  arm64: 'arm64',
  x64: 'x64',
  64: 'x64',
  ia32: 'ia32',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
};
const LIBC = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' };

/** Optional packages that the lock names without an entry: [{name, version, parent}]. `packages` is the lock's own map. */
export function missingOptionalPackages(packages) {
  const missing = [];
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (packages[`${path}/node_modules/${name}`] || packages[`node_modules/${name}`]) continue;
      missing.push({ name, version, parent: path });
    }
  }
  return missing;
}

function lockEntry({ name, version, parent }, packages) {
  const words = name.split('/').at(-1).split('-');
  const pick = (table) => words.map((word) => table[word]).find((value) => value !== undefined);
  const os = pick(OS);
  const cpu = pick(CPU);
  // Range or nameless platform: only the registry can tell, so the person at the keyboard must.
  if (!/^\d+\.\d+\.\d+[\w.-]*$/.test(version) || !os || !cpu) throw new Error(`cannot tell the platform of ${name}@${version}`);
  const libc = os === 'linux' ? pick(LIBC) : undefined;
  return {
    version,
    cpu: [cpu],
    ...(packages[parent].dev ? { dev: true } : {}),
    ...(libc ? { libc: [libc] } : {}),
    optional: true,
    os: [os],
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = new URL('../package-lock.json', import.meta.url);
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const missing = missingOptionalPackages(lock.packages);
  for (const one of missing) lock.packages[`node_modules/${one.name}`] = lockEntry(one, lock.packages);
  const [root, ...rest] = Object.keys(lock.packages);
  lock.packages = Object.fromEntries(
    [root, ...rest.sort((a, b) => a.localeCompare(b, 'en'))].map((path) => [path, lock.packages[path]]),
  );
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`package-lock.json: ${missing.length} packages of other platforms added\n`);
}
