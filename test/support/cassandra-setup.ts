import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type CassandraNode, type CassandraPlace, startCassandra } from '../../scripts/launch/cassandra.mjs';
import { freePorts } from '../../scripts/supervisor/ports.ts';

/**
 * One Cassandra for all suites of a run: a start takes ten seconds. It lives in the process that runs the suites, which are
 * processes of their own and ask for it over loopback; nothing is started before the first asks.
 */

declare module 'vitest' {
  interface ProvidedContext {
    /** where `sharedCassandra` asks */
    cassandraControl: string;
  }
}

/** Owns the node: one start or kill at a time, in the order asked for. */
class NodeKeeper {
  #place: CassandraPlace | undefined;
  #node: CassandraNode | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  /** Where the node answers; it is started when it does not run. Its data outlive a kill. */
  start(): Promise<string> {
    return this.#next(async () => {
      this.#node ??= await startCassandra(await this.#keptPlace());
      return this.#node.contactPoint;
    });
  }

  kill(): Promise<string> {
    return this.#next(async () => {
      await this.#node?.kill();
      this.#node = undefined;
      return '';
    });
  }

  async end(): Promise<void> {
    await this.kill();
    if (this.#place !== undefined) rmSync(this.#place.directory, { recursive: true, force: true });
  }

  async #keptPlace(): Promise<CassandraPlace> {
    if (this.#place !== undefined) return this.#place;
    const [port = 0, storagePort = 0] = await freePorts(2);
    this.#place = { directory: mkdtempSync(join(tmpdir(), 'millrace-cassandra-')), port, storagePort };
    return this.#place;
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

const keeper = new NodeKeeper();
let control: Server | undefined;

export async function setup(project: TestProject): Promise<void> {
  const server = createServer((request, response) => {
    const asked = request.url === '/kill' ? keeper.kill() : keeper.start();
    asked.then(
      (answer) => response.end(answer),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  project.provide('cassandraControl', `http://127.0.0.1:${address.port}`);
  control = server;
}

export async function teardown(): Promise<void> {
  control?.closeAllConnections();
  control?.close();
  await keeper.end();
}
