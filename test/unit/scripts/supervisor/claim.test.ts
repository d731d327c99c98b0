import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { claimDataDir } from '../../../../scripts/supervisor/claim.ts';
import { identify, isRunning } from '../../../../scripts/supervisor/process-identity.ts';
import { secretsOf } from '../../../../scripts/supervisor/secrets.ts';

describe('a data directory', () => {
  let dataDir = '';

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'millrace-claim-'));
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  test("is one supervisor's at a time", async () => {
    const claim = await claimDataDir(dataDir, () => undefined);
    await expect(claimDataDir(dataDir, () => undefined)).rejects.toThrow(/is in use by a running Millrace/);
    claim.release();
    (await claimDataDir(dataDir, () => undefined)).release();
  });

  test('of a killed supervisor is cleared of its processes, and of no process that only has their pid', async () => {
    const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const orphanIs = identify(orphan.pid ?? 0);
    const bystanderIs = identify(bystander.pid ?? 0);
    if (!orphanIs || !bystanderIs) throw new Error('not started');
    mkdirSync(join(dataDir, 'run'), { recursive: true });
    const left = {
      supervisor: { pid: process.pid, startedAt: 'another time' },
      children: { workerd: orphanIs, nats: { pid: bystanderIs.pid, startedAt: 'another time' } },
    };
    writeFileSync(join(dataDir, 'run', 'supervisor.json'), JSON.stringify(left));
    const said: string[] = [];
    const claim = await claimDataDir(dataDir, (line) => said.push(line));
    expect(isRunning(orphanIs)).toBe(false);
    expect(isRunning(bystanderIs)).toBe(true);
    expect(said).toEqual([`ending workerd (process ${orphanIs.pid}), left behind by a run that was killed`]);
    claim.release();
    bystander.kill('SIGKILL');
  });

  test('keeps its secrets, and a given one wins', () => {
    const made = secretsOf({ dataDir });
    expect(secretsOf({ dataDir })).toEqual(made);
    expect(made.jwtSecret).not.toBe(made.internalSecret);
    expect(Buffer.byteLength(made.jwtSecret)).toBeGreaterThanOrEqual(32);
    const given = 'g'.repeat(32);
    expect(secretsOf({ dataDir, jwtSecret: given })).toEqual({ ...made, jwtSecret: given });
  });

  test('with damaged secrets says what to do', () => {
    writeFileSync(join(dataDir, 'secrets.json'), '{"jwtSecret": ');
    expect(() => secretsOf({ dataDir })).toThrow(/delete it/);
  });
});
