import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { leftOut } from './scripts/tiers.ts';

/** Suites that start real processes share two cores and a browser: one file at a time, and time for slow machines. */
const oneAtATime = { fileParallelism: false, maxWorkers: 1, testTimeout: 120_000, hookTimeout: 180_000, teardownTimeout: 60_000 };

/** one node of each for all suites of a run, started when the first one asks for it */
const NODES_SETUP = ['./test/support/cassandra-setup.ts', './test/support/opensearch-setup.ts'];

function nodeProject(
  name: string,
  order: number,
  more: TestProjectInlineConfiguration['test'] = {},
): TestProjectInlineConfiguration {
  return {
    // hooks of the client and of the pages under one React: the pages' packages, where they are installed, have one of their own
    resolve: { dedupe: ['react', 'react-dom'] },
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      environment: 'node',
      testTimeout: 20_000,
      sequence: { groupOrder: order },
      ...more,
    },
  };
}

const workerd: TestProjectInlineConfiguration = {
  plugins: [
    cloudflareTest({
      // the Session as it is, and a scripted Uplink at the port where NATS begins
      main: './test/workerd/worker.ts',
      wrangler: { configPath: './wrangler.toml' },
      miniflare: {
        bindings: {
          ENVIRONMENT: 'local',
          // No server answers there: what workerd tests see of NATS is its absence.
          NATS_WS_URL: 'ws://127.0.0.1:9',
          JWT_SECRET: 'a secret for tests only, 32 bytes or more',
          INTERNAL_SECRET: 'another secret for tests only, 32 bytes or more',
          PUBLIC_URL: 'http://localhost:8787',
          LIMIT_COMMANDS_PER_S: '100000',
          LIMIT_COMMANDS_BURST: '100000',
          LIMIT_SESSION_COMMANDS_PER_S: '100000',
        },
      },
    }),
  ],
  test: {
    name: 'workerd',
    include: ['test/workerd/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    maxWorkers: 1,
    sequence: { groupOrder: 1 },
  },
};

/**
 * The contract from outside, on the embedded store, and with CI=true or MILLRACE_WITH=cassandra once more on a real one. Its
 * tests have sessions of their own and mostly wait: many run at a time.
 */
const conformance = nodeProject('conformance', 3, {
  ...oneAtATime,
  maxConcurrency: 12,
  globalSetup: NODES_SETUP,
  exclude: [...leftOut(process.env)],
});

const long = process.env['MILLRACE_TEST_LONG']
  ? [nodeProject('long', 6, { ...oneAtATime, testTimeout: 60 * 60_000, hookTimeout: 10 * 60_000 })]
  : [];

export default defineConfig({
  test: {
    projects: [
      nodeProject('unit', 0),
      nodeProject('contracts', 0, { testTimeout: 60_000 }),
      workerd,
      nodeProject('system', 2, { ...oneAtATime, globalSetup: NODES_SETUP, exclude: [...leftOut(process.env)] }),
      conformance,
      nodeProject('browser', 4, { ...oneAtATime, exclude: [...leftOut(process.env)] }),
      nodeProject('faults', 5, { ...oneAtATime, testTimeout: 10 * 60_000, exclude: [...leftOut(process.env)] }),
      ...long,
    ],
  },
});
