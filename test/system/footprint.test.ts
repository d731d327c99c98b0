import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { missingOptionalPackages } from '../../scripts/complete-lock.mjs';
import { findNatsServer } from '../../scripts/launch/nats.mjs';
import { installedBytes, type LockedPackage } from '../support/disk-size.ts';
import { requireOrSkip } from '../support/requirement.ts';
import { natsServerMissing } from '../support/stack.ts';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const MB = 1_000_000;
const START_MB_MAX = 350;
const ALL_MB_MAX = 600;

const lockText = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');
const webLockText = readFileSync(join(ROOT, 'web/package-lock.json'), 'utf8');
const web = JSON.parse(webLockText) as { packages: Record<string, LockedPackage> };
const { packages } = JSON.parse(lockText) as { packages: Record<string, LockedPackage> };

requireOrSkip('nats-server', natsServerMissing())('what is installed, on disk', () => {
  test(`Node, nats-server and the packages that npm start needs take at most ${START_MB_MAX} MB`, () => {
    const node = statSync(process.execPath).size / MB;
    const nats = statSync(findNatsServer() ?? '').size / MB;
    const start = installedBytes(ROOT, packages).start / MB;
    const total = node + nats + start;
    expect(
      total,
      `Node ${node.toFixed(0)} + nats-server ${nats.toFixed(0)} + packages ${start.toFixed(0)} MB`,
    ).toBeLessThanOrEqual(START_MB_MAX);
  });
});

test(`all locked packages take at most ${ALL_MB_MAX} MB on disk`, () => {
  const all = installedBytes(ROOT, packages).all + installedBytes(join(ROOT, 'web'), web.packages).all;
  expect(all / MB).toBeLessThanOrEqual(ALL_MB_MAX);
});

test('OpenTelemetry’s SDK is in no package that a start installs, and both sides lock the same of it', () => {
  expect(Object.keys(packages).filter((path) => path.includes('@opentelemetry/sdk'))).toEqual([]);
  const locked = ['worker', 'consumers'].map((side) => {
    const text = readFileSync(join(ROOT, side, 'telemetry/package-lock.json'), 'utf8');
    expect(text).not.toMatch(/"resolved": "https?:/);
    const { packages: all } = JSON.parse(text) as { packages: Record<string, LockedPackage> };
    return new Map(Object.entries(all).map(([path, { version }]) => [path, version]));
  });
  for (const [path, version] of locked[0] ?? []) {
    const other = locked[1]?.get(path);
    if (path !== '' && other !== undefined) expect([path, version]).toEqual([path, other]);
  }
  expect(locked[1]?.get('node_modules/@opentelemetry/sdk-trace')).toBe(locked[0]?.get('node_modules/@opentelemetry/sdk-trace'));
});

test('package-lock.json names no host', () => {
  const hosts = Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined && /^[a-z+]+:\/\//.test(resolved));
  expect(hosts).toEqual([]);
  // Addresses of people who take donations are of no interest to an install; those of registries are.
  for (const text of [lockText, webLockText]) expect(text).not.toMatch(/"resolved": "https?:/);
});

test('package-lock.json locks the optional packages of every platform, without which npm ci refuses it', () => {
  expect(
    missingOptionalPackages(packages).map(({ name, version }) => `${name}@${version}: run node scripts/complete-lock.mjs`),
  ).toEqual([]);
});
