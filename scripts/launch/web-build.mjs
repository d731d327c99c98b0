// Step 5: the pages of web/, built when something of them changed. Their packages are locked apart from the others and are
// needed for nothing but this: a start removes them again, so that only what serves lies on the disk (docs/adr/0055).
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildInto, hashOf, isBuilt } from './build-step.mjs';
import { gist, LaunchError, progress, ROOT, seconds, withLock } from './common.mjs';
import { installIn, isInstalledIn, wasInstalledIn } from './folder-packages.mjs';

const MODULES = join(ROOT, 'web', 'node_modules');
const OUT = join(ROOT, 'dist', 'web');
const INPUTS = ['scripts/build-web.mjs', 'package-lock.json', 'tsconfig.base.json', 'web', 'client', 'shared'];

/** Answers why they cannot be installed, or undefined. */
async function install() {
  // what is there is taken as it is, as at the root; nothing would be no answer
  if (isInstalledIn('web') || (process.env.MILLRACE_SKIP_INSTALL && wasInstalledIn('web'))) return undefined;
  return installIn('web', 'packages of the pages');
}

/** The packages of web/, which its types and tests need too. */
export async function ensureWebPackages() {
  await withLock(join(ROOT, 'dist', 'web.lock'), async () => {
    const error = await install();
    if (error !== undefined) throw new LaunchError(error);
  });
}

/**
 * Leaves the pages in dist/web. Without a registry everything else runs all the same: then the page at / says what this line
 * says; a deployment is refused. A start (`production`) removes packages that it installed itself, and none that somebody works
 * with.
 */
export async function ensureWebPages(mode) {
  const hash = hashOf(INPUTS);
  if (isBuilt(OUT, hash) && (mode === 'production' || isInstalledIn('web'))) return;
  await withLock(join(ROOT, 'dist', 'web.lock'), async () => {
    const found = existsSync(MODULES);
    let error = isBuilt(OUT, hash) && mode === 'production' ? undefined : await install();
    if (error === undefined && !isBuilt(OUT, hash)) {
      const startedAtMs = Date.now();
      const why = await buildInto(OUT, ['build-web.mjs'], hash);
      if (why === undefined) progress(`pages built in ${seconds(startedAtMs)}`);
      else if (mode !== 'production') throw new LaunchError(`the pages do not build:\n${why}`);
      else error = `they do not build: ${gist(why)}`;
    }
    if (mode === 'production' && !found) rmSync(MODULES, { recursive: true, force: true });
    if (error === undefined) return;
    if (mode === 'deploy') throw new LaunchError(`the pages are missing: ${error}`);
    const are = existsSync(join(OUT, 'shell.html')) ? 'of an earlier build' : 'missing';
    progress(`the pages are ${are} (${error}); everything else runs, and the next start tries again`);
    mkdirSync(OUT, { recursive: true });
    rmSync(join(OUT, 'stamp'), { force: true });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await ensureWebPages('deploy');
