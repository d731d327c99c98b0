import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startCassandra } from '../../scripts/launch/cassandra.mjs';
import { freePorts } from '../../scripts/supervisor/ports.ts';
import { NodeKeeper } from './node-keeper.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** where `sharedCassandra` asks */
    cassandraControl: string;
  }
}

const keeper = new NodeKeeper(
  async () => {
    const [port = 0, storagePort = 0] = await freePorts(2);
    return { directory: mkdtempSync(join(tmpdir(), 'millrace-cassandra-')), port, storagePort };
  },
  startCassandra,
  ({ contactPoint }) => contactPoint,
);
let end: (() => Promise<void>) | undefined;

export async function setup(project: TestProject): Promise<void> {
  const served = await keeper.serve();
  end = served.end;
  project.provide('cassandraControl', served.url);
}

export async function teardown(): Promise<void> {
  await end?.();
}
