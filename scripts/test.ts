// `npm test [-- filters]`: runs the suites and ends with one line, `N passed, N failed, N skipped`.
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { leftOut } from './tiers.ts';
import { startVitest, type Vitest } from 'vitest/node';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

interface Counts {
  passed: number;
  failed: number;
  skipped: string[];
}

/** A file that cannot be loaded, a hook that throws and an error outside of any test each count as one failure. */
function count(vitest: Vitest): Counts {
  const counts: Counts = { passed: 0, failed: vitest.state.getUnhandledErrors().length, skipped: [] };
  for (const module of vitest.state.getTestModules()) {
    const suiteErrors = [...module.children.allSuites()].flatMap((suite) => suite.errors());
    counts.failed += module.errors().length + suiteErrors.length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') counts.passed += 1;
      else if (state === 'failed') counts.failed += 1;
      else counts.skipped.push(`${module.relativeModuleId}: ${test.fullName}`);
    }
  }
  return counts;
}

async function main(): Promise<number> {
  const command = new Command('test')
    .argument('[filters...]', 'run only files whose path has one of these in it')
    .option('--long', 'the long tier too')
    .option('--project <names...>', 'only these of unit, contracts, workerd, system, conformance, browser, faults, long')
    .parse();
  const { long, project } = command.opts<{ long?: boolean; project?: string[] }>();
  if (long) process.env['MILLRACE_TEST_LONG'] = '1';
  process.chdir(ROOT);
  const vitest = await startVitest(command.args, {
    watch: false,
    passWithNoTests: false,
    reporters: ['default'],
    ...(project ? { project } : {}),
  });
  const { passed, failed, skipped } = count(vitest);
  await vitest.close();
  for (const name of skipped) process.stdout.write(`skipped: ${name}\n`);
  const left = leftOut(process.env);
  if (left.length > 0) process.stdout.write(`with CI=true also: ${left.join(', ')}\n`);
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped.length} skipped\n`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

const code = await main();
process.exit(code);
