import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startOpenSearch } from '../../scripts/launch/opensearch.mjs';
import { freePorts } from '../../scripts/supervisor/ports.ts';
import { NodeKeeper } from './node-keeper.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** where `sharedOpenSearch` asks */
    openSearchControl: string;
  }
}

const keeper = new NodeKeeper(
  async () => {
    const [port = 0, transportPort = 0] = await freePorts(2);
    const directory = mkdtempSync(join(tmpdir(), 'millrace-opensearch-'));
    // it does not run as root, and whoever it runs as comes through here
    chmodSync(directory, 0o755);
    return { directory, port, transportPort };
  },
  startOpenSearch,
  ({ url }) => url,
);
let end: (() => Promise<void>) | undefined;

export async function setup(project: TestProject): Promise<void> {
  const served = await keeper.serve();
  end = served.end;
  project.provide('openSearchControl', served.url);
}

export async function teardown(): Promise<void> {
  await end?.();
}
