import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { findNatsServer } from '../../scripts/launch/nats.mjs';
import { KeyFolder } from '../../scripts/nats-keys/key-folder.ts';
import { accepts, freePorts } from '../../scripts/supervisor/ports.ts';
import { until } from './client.ts';
import { pemCertificate, type PemFiles } from './pem-certificate.ts';

/** nats-servers by the files of deploy/nats: theirs are all settings but the addresses. */

const DEPLOY = join(import.meta.dirname, '../../deploy/nats');
const CONNECT_MS_MAX = 5_000;
const CLUSTER_SIZE = 3;
/** another test may take a free port first: then others are tried */
const ATTEMPTS_MAX = 4;

interface Node {
  directory: string;
  file: string;
  port: number;
  webSocketPort: number;
  env: Record<string, string>;
  child?: ChildProcess;
}

export class DeployedNats {
  readonly directory: string;
  readonly keys: KeyFolder;
  readonly pem: PemFiles;
  #nodes: Node[] = [];

  private constructor(pem: PemFiles, keys: KeyFolder, directory: string) {
    this.directory = directory;
    this.pem = pem;
    this.keys = keys;
  }

  static async single(tenants: readonly { tenant: string; reads: boolean }[]): Promise<DeployedNats> {
    const nats = await DeployedNats.#prepared(tenants);
    await nats.#start(async () => {
      const [port = 0, webSocketPort = 0, monitor = 0] = await freePorts(3);
      return [nats.#node('nats-1', 'single.conf', { port, webSocketPort, monitor }, {})];
    });
    return nats;
  }

  static async cluster(): Promise<DeployedNats> {
    const nats = await DeployedNats.#prepared([]);
    await nats.#start(async () => {
      const ports = await freePorts(CLUSTER_SIZE * 4);
      const routes = ports.slice(0, CLUSTER_SIZE);
      return routes.map((route, at) => {
        const [port = 0, webSocketPort = 0, monitor = 0] = ports.slice(CLUSTER_SIZE + at * 3);
        const name = `nats-${at + 1}`;
        return nats.#node(
          name,
          'cluster.conf',
          { port, webSocketPort, monitor, route },
          {
            NATS_NAME: name,
            NATS_CLUSTER_CA: nats.pem.ca,
            NATS_ROUTES: `[${routes.map((each) => `tls://localhost:${each}`).join(', ')}]`,
          },
        );
      });
    });
    return nats;
  }

  static async #prepared(tenants: readonly { tenant: string; reads: boolean }[]): Promise<DeployedNats> {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-deployed-nats-'));
    const keys = new KeyFolder(join(directory, 'keys'), readFileSync(join(DEPLOY, 'accounts.conf'), 'utf8'));
    for (const { tenant, reads } of tenants) keys.add(tenant, reads);
    keys.write();
    return new DeployedNats(await pemCertificate(join(directory, 'tls')), keys, directory);
  }

  get url(): string {
    return this.#nodes.map(({ port }) => `tls://localhost:${port}`).join(',');
  }

  get webSocketUrl(): string {
    return this.#nodes.map(({ webSocketPort }) => `wss://localhost:${webSocketPort}`).join(',');
  }

  /** Contents of a user's seed: `edge`, `consumers`, `tenant-acme`, `edge.next`. */
  seed(user: string): string {
    return readFileSync(join(this.directory, 'keys', `${user}.seed`), 'utf8').trim();
  }

  /** All that the servers logged. */
  log(): string {
    return this.#nodes.map(({ directory }) => readFileSync(join(directory, 'log'), 'utf8')).join('');
  }

  /** Logs in as a user, with answers under a prefix. */
  async connect(user: string, inboxPrefix = '_INBOX'): Promise<NatsConnection> {
    return await this.connectWith(this.seed(user), inboxPrefix);
  }

  async connectWith(seed: string, inboxPrefix = '_INBOX'): Promise<NatsConnection> {
    return await connect({
      servers: this.url.split(','),
      authenticator: nkeyAuthenticator(new TextEncoder().encode(seed)),
      tls: { caFile: this.pem.ca },
      timeout: CONNECT_MS_MAX,
      reconnect: false,
      inboxPrefix,
    });
  }

  /** The servers read what KeyFolder wrote. Resolves once each said so. */
  async reload(): Promise<void> {
    for (const node of this.#nodes) {
      cpSync(join(this.directory, 'keys/accounts.conf'), join(node.directory, 'keys/accounts.conf'));
      const reloads = (): number =>
        readFileSync(join(node.directory, 'log'), 'utf8').split('Reloaded server configuration').length;
      const before = reloads();
      node.child?.kill('SIGHUP');
      await until('the server has reloaded', () => reloads() > before);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#nodes.map(async ({ child }) => {
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }),
    );
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #start(nodes: () => Promise<Node[]>): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      this.#nodes = await nodes();
      for (const node of this.#nodes) {
        const args = ['-c', join(node.directory, node.file), '-l', join(node.directory, 'log')];
        node.child = spawn(findNatsServer() ?? 'nats-server', args, { env: node.env, stdio: 'ignore' });
      }
      const isDead = ({ child }: Node): boolean => child?.exitCode !== null;
      const isUp = async ({ port }: Node): Promise<boolean> => await accepts(port);
      await until(
        'the servers listen, or have ended',
        async () => this.#nodes.some(isDead) || (await Promise.all(this.#nodes.map(isUp))).every(Boolean),
      );
      if (!this.#nodes.some(isDead)) return;
      if (attempt >= ATTEMPTS_MAX) throw new Error(`nats-server does not start: ${this.log()}`);
      for (const { child } of this.#nodes) child?.kill('SIGKILL');
    }
  }

  #node(
    name: string,
    file: string,
    { port, webSocketPort, monitor, route }: { port: number; webSocketPort: number; monitor: number; route?: number },
    env: Record<string, string>,
  ): Node {
    const directory = join(this.directory, name);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(join(directory, 'keys'), { recursive: true });
    cpSync(join(this.directory, 'keys/accounts.conf'), join(directory, 'keys/accounts.conf'));
    const here = new Map([
      ['0.0.0.0:4222', `127.0.0.1:${port}`],
      ['0.0.0.0:443', `127.0.0.1:${webSocketPort}`],
      ['127.0.0.1:8222', `127.0.0.1:${monitor}`],
      ['0.0.0.0:6222', `127.0.0.1:${route ?? 0}`],
    ]);
    for (const each of readdirSync(DEPLOY).filter((entry) => entry.endsWith('.conf'))) {
      let text = readFileSync(join(DEPLOY, each), 'utf8');
      for (const [address, ours] of here)
        text = text.replaceAll(new RegExp(`\\b${address.replaceAll('.', '\\.')}\\b`, 'g'), ours);
      writeFileSync(join(directory, each), text);
    }
    const { certificate, key } = this.pem;
    const files = { NATS_TLS_CERT: certificate, NATS_TLS_KEY: key, NATS_STORE: join(directory, 'store') };
    return { directory, file, port, webSocketPort, env: { ...files, ...env } };
  }
}
