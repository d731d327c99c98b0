import { readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { findNatsServer } from '../../scripts/launch/nats.mjs';
import { identify } from '../../scripts/supervisor/process-identity.ts';
import { launch, type Launched, startEnvironment, type StartEnvironment } from '../support/launch.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing, until } from '../support/stack.ts';

interface Ready {
  url: string;
  dataDir: string;
  pids: { nats: number; edge: number; workerd: number; consumers: number };
}

requireOrSkip('nats-server', natsServerMissing())('npm start', () => {
  const running: Launched[] = [];
  const directories: string[] = [];

  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop();
    for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
  });

  async function environment(): Promise<StartEnvironment> {
    const made = await startEnvironment();
    directories.push(made.dataDir);
    made.env['NATS_SERVER_BIN'] = findNatsServer() ?? '';
    return made;
  }

  function start(env: Record<string, string>): Launched {
    const launched = launch(['start'], env);
    running.push(launched);
    return launched;
  }

  async function ready(launched: Launched): Promise<Ready> {
    return JSON.parse((await launched.line(/^ready \{/, 120_000)).slice('ready '.length)) as Ready;
  }

  async function answers(url: string): Promise<boolean> {
    return fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.ok,
      () => false,
    );
  }

  function supervisorOf(dataDir: string): { supervisor: { pid: number }; children: Record<string, { pid: number }> } {
    return JSON.parse(readFileSync(join(dataDir, 'run', 'supervisor.json'), 'utf8')) as ReturnType<typeof supervisorOf>;
  }

  test('SIGTERM stops everything it started, and exit code is 0', async () => {
    const { env } = await environment();
    const launched = start(env);
    const { pids } = await ready(launched);
    expect(Object.keys(pids).sort()).toEqual(['consumers', 'edge', 'nats', 'workerd']);
    expect(await launched.stop()).toBe(0);
    for (const pid of Object.values(pids)) expect(identify(pid)).toBeUndefined();
  });

  test('a part that dies is started again, with a line that says so', async () => {
    const { env } = await environment();
    const launched = start(env);
    const { pids, url } = await ready(launched);
    process.kill(pids.workerd, 'SIGKILL');
    await launched.line(/edge died \(exit code 70\): starting it again in [\d.]+ s/);
    await until('the edge answers again', () => answers(url));
    process.kill(pids.nats, 'SIGKILL');
    await launched.line(/nats died \(SIGKILL\): starting it again in [\d.]+ s/);
    process.kill(pids.consumers, 'SIGKILL');
    await launched.line(/consumers died \(SIGKILL\): starting it again in [\d.]+ s/);
  });

  test('what a killed run left behind is ended by the next start', async () => {
    const { env, dataDir } = await environment();
    const first = start(env);
    const { pids } = await ready(first);
    process.kill(supervisorOf(dataDir).supervisor.pid, 'SIGKILL');
    await first.exit();
    expect(identify(pids.nats)).toBeDefined();
    const second = start(env);
    await second.line(/ending nats \(process \d+\), left behind by a run that was killed/);
    await ready(second);
    expect(identify(pids.nats)).toBeUndefined();
    expect(identify(pids.workerd)).toBeUndefined();
  });

  test('a port in use is one line that names port and variable', async () => {
    const { env, port } = await environment();
    const squatter = createServer();
    await new Promise<void>((listening) => squatter.listen(port, '127.0.0.1', listening));
    const launched = start(env);
    expect(await launched.exit()).toBe(1);
    expect(launched.lines.at(-1)).toMatch(
      new RegExp(`^millrace: port ${port} is in use.*: stop what uses it, or set PORT to another port$`),
    );
    await new Promise((closed) => squatter.close(closed));
  });

  test('a second start on the same data directory is refused in one line', async () => {
    const { env, dataDir } = await environment();
    await ready(start(env));
    const second = start(env);
    expect(await second.exit()).toBe(1);
    expect(second.lines.at(-1)).toMatch(/is in use by a running Millrace \(process \d+\): stop it, or set DATA_DIR$/);
    // Refused, it must not take the first one's note with it.
    expect(Object.keys(supervisorOf(dataDir).children)).toContain('workerd');
  });

  test('a bad setting is one line, and nothing is started', async () => {
    const { env } = await environment();
    const launched = start({ ...env, JWT_SECRET: 'short' });
    expect(await launched.exit()).toBe(1);
    expect(launched.lines.at(-1)).toBe('millrace: JWT_SECRET must have at least 32 bytes; leave it unset and one is made');
  });

  test('token prints nothing but a token that the edge takes, running or not', async () => {
    const { env, dataDir } = await environment();
    const before = launch(['token', 'alice', '--name', 'Alice'], env);
    expect(await before.exit()).toBe(0);
    expect(before.lines).toHaveLength(1);
    expect(statSync(join(dataDir, 'secrets.json')).mode & 0o777).toBe(0o600);
    const { url } = await ready(start(env));
    const headers = { authorization: `Bearer ${before.lines[0]}`, 'content-type': 'application/json' };
    const response = await fetch(`${url}/v1/sessions`, { method: 'POST', headers, body: JSON.stringify({ title: 'hello' }) });
    expect(response.status).toBe(202);
  });

  test('started without NATS it still takes commands', async () => {
    const { env } = await environment();
    const launched = launch(['start', '--without', 'nats'], env);
    running.push(launched);
    const { url } = await ready(launched);
    expect(await answers(url)).toBe(true);
  });
});
