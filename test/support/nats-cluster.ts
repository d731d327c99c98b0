import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager, type StreamInfo } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { findNatsServer } from '../../scripts/launch/nats.mjs';
import { freePorts } from '../../scripts/supervisor/ports.ts';
import { until } from './client.ts';

/** Three nats-servers that keep three copies of every stream. */

const SIZE = 3;
const READY_MS_MAX = 60_000;
const ASK_MS_MAX = 2_000;
const SYNC_INTERVAL = '1s';

interface Node {
  name: string;
  port: number;
  webSocketPort: number;
  configuration: string;
  child: ChildProcess | undefined;
}

export class NatsCluster {
  readonly #directory = mkdtempSync(join(tmpdir(), 'millrace-nats-cluster-'));
  #nodes: Node[] = [];

  get url(): string {
    return this.#nodes.map(({ port }) => `nats://127.0.0.1:${port}`).join(',');
  }

  get webSocketUrl(): string {
    return this.#nodes.map(({ webSocketPort }) => `ws://127.0.0.1:${webSocketPort}`).join(',');
  }

  /** Resolves once the three agree on a leader for what they keep. */
  async start(): Promise<void> {
    const ports = await freePorts(SIZE * 3);
    const clusterPorts = ports.slice(0, SIZE);
    const routes = clusterPorts.map((port) => `nats-route://127.0.0.1:${port}`).join(', ');
    this.#nodes = clusterPorts.map((clusterPort, at) => {
      const [port = 0, webSocketPort = 0] = [ports[SIZE + at], ports[2 * SIZE + at]];
      const name = `node-${at}`;
      const store = join(this.#directory, name);
      mkdirSync(store);
      const configuration = join(this.#directory, `${name}.conf`);
      const lines = [
        `server_name: ${name}`,
        'host: "127.0.0.1"',
        `port: ${port}`,
        `jetstream { store_dir: ${JSON.stringify(store)}, max_file: ${64 * 1024 ** 3}, sync_interval: "${SYNC_INTERVAL}" }`,
        `cluster { name: millrace, host: "127.0.0.1", port: ${clusterPort}, routes: [${routes}] }`,
        `websocket { host: "127.0.0.1", port: ${webSocketPort}, no_tls: true }`,
      ];
      writeFileSync(configuration, `${lines.join('\n')}\n`);
      return { name, port, webSocketPort, configuration, child: undefined };
    });
    for (const node of this.#nodes) this.#launch(node);
    await until('the cluster has a leader', async () => (await this.#ask(async () => true)) === true, READY_MS_MAX);
  }

  /** What the leader says of a stream; undefined while there is none. */
  async stream(name: string): Promise<StreamInfo | undefined> {
    return await this.#ask(async (manager) => await manager.streams.info(name));
  }

  /** Ends a node as a crash would. */
  async kill(name: string): Promise<void> {
    const node = this.#node(name);
    const { child } = node;
    if (child === undefined) return;
    node.child = undefined;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  restart(name: string): void {
    this.#launch(this.#node(name));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map(async ({ name }) => await this.kill(name)));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #node(name: string): Node {
    const node = this.#nodes.find((each) => each.name === name);
    if (node === undefined) throw new Error(`there is no node ${name}`);
    return node;
  }

  #launch(node: Node): void {
    const log = join(this.#directory, `${node.name}.log`);
    node.child ??= spawn(findNatsServer() ?? 'nats-server', ['-c', node.configuration, '-l', log], { stdio: 'ignore' });
  }

  /** Undefined while nobody answers for the cluster, or there is no such thing. */
  async #ask<T>(question: (manager: Awaited<ReturnType<typeof jetstreamManager>>) => Promise<T>): Promise<T | undefined> {
    const servers = this.#nodes.filter(({ child }) => child !== undefined).map(({ port }) => `127.0.0.1:${port}`);
    try {
      const connection = await connect({ servers, timeout: ASK_MS_MAX, reconnect: false });
      try {
        return await question(await jetstreamManager(connection, { timeout: ASK_MS_MAX }));
      } finally {
        await connection.close();
      }
    } catch {
      return undefined;
    }
  }
}
