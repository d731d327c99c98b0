import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createKeyspaceCql } from '../../../consumers/stores/history/cassandra-migrate.ts';
import { CONSUMERS } from '../../../consumers/durables.ts';
import { DRAIN_MS_MAX } from '../../../consumers/runtime/start-read-model.ts';
import { settingsFrom } from '../../../consumers/settings.ts';
import { CASSANDRA_IMAGE, NATS_SERVER_VERSION, NODE_VERSION, OPENSEARCH_IMAGE } from '../../../scripts/versions.mjs';
import { parse } from 'yaml';
import { composeFile, readText } from '../../support/deploy-files.ts';
import { ROOT } from '../repository/files.ts';
import { importsOf } from '../repository/walls.ts';

/** No container engine builds or starts these here: what they name is compared with what there is. */

const OURS = ['consumers', 'admin', 'migrate'];
/** what an operator makes, and is in no repository */
const MADE_BY_OPERATORS = ['./tls', './tls/ca.crt', './edge-token', '../nats/keys/consumers.seed', '../nats/keys/operators.seed'];
const { services, secrets, volumes } = composeFile();
const sources = globSync('consumers/**/*.ts', { cwd: ROOT, exclude: ['**/node_modules'] }).map((file) =>
  readFileSync(join(ROOT, file), 'utf8'),
);

/** The environment of a service, with what an operator puts into `.env`. */
function given(service: string): Record<string, string> {
  const values: Record<string, string> = {
    EDGE_URL: 'https://edge.test',
    INTERNAL_SECRET: 'a secret of tests, 32 bytes or more',
    CLICKHOUSE_PASSWORD: 'secret',
  };
  const filled = (text: string): string => text.replaceAll(/\$\{(\w+)[^}]*\}/g, (_, name: string) => values[name] ?? '');
  return Object.fromEntries(Object.entries(services[service]?.environment ?? {}).map(([name, text]) => [name, filled(text)]));
}

describe('the image of the consumers', () => {
  const lines = readText('deploy/docker/Dockerfile').split('\n');
  const all = (instruction: string): string[] =>
    lines.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1));

  it('runs on the Node that everything is tried on', () => {
    expect(all('FROM')).toEqual([`node:${NODE_VERSION}-slim AS dependencies`, `node:${NODE_VERSION}-slim`]);
  });

  it('copies what there is, and what the context lets through', () => {
    const copied = all('COPY')
      .filter((line) => !line.startsWith('--from'))
      .flatMap((line) => line.split(' ').slice(0, -1));
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const let_through = readText('deploy/docker/Dockerfile.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'));
    expect(let_through.map((line) => line.slice(1)).toSorted()).toEqual([...new Set(copied)].toSorted());
  });

  it('runs as nobody special, is looked after, and starts what gets its signal', () => {
    expect(all('USER')).toEqual(['node']);
    expect(all('STOPSIGNAL')).toEqual(['SIGTERM']);
    expect(all('ENTRYPOINT')).toEqual(['["node", "consumers/main.ts"]']);
    expect(existsSync(join(ROOT, 'consumers/main.ts'))).toBe(true);
    expect(lines.join('\n')).toMatch(/HEALTHCHECK [^\n]*\\\n\s+CMD \[.*\/healthz`/);
    expect(sources.some((text) => text.includes("'/healthz'"))).toBe(true);
  });

  it('holds the packages that consumers import, and no others of ours', () => {
    const work = mkdtempSync(join(tmpdir(), 'millrace-image-'));
    try {
      const own = (path: string): boolean => !path.includes('node_modules');
      for (const part of ['consumers', 'shared']) cpSync(join(ROOT, part), join(work, part), { recursive: true, filter: own });
      for (const file of ['package.json', 'deploy/docker/consumer-dependencies.mjs']) {
        cpSync(join(ROOT, file), join(work, file.split('/').at(-1) ?? ''));
      }
      execFileSync(process.execPath, ['consumer-dependencies.mjs'], { cwd: work });
      const { dependencies, devDependencies } = JSON.parse(readFileSync(join(work, 'package.json'), 'utf8')) as {
        dependencies: Record<string, string>;
        devDependencies?: object;
      };
      expect(devDependencies).toBeUndefined();
      const root = JSON.parse(readText('package.json')) as { dependencies: Record<string, string> };
      const shared = globSync('shared/**/*.ts', { cwd: ROOT }).map((file) => readFileSync(join(ROOT, file), 'utf8'));
      const imported = [...sources, ...shared].flatMap(importsOf);
      const wanted = Object.entries(root.dependencies).filter(([name]) =>
        imported.some((each) => each === name || each.startsWith(`${name}/`)),
      );
      expect(dependencies).toEqual(Object.fromEntries(wanted));
      expect(Object.keys(dependencies)).toContain('zod');
      expect(Object.keys(dependencies)).not.toContain('miniflare');
    } finally {
      rmSync(work, { recursive: true });
    }
  });
});

describe('the compose file', () => {
  it('pins every image by a version, those that tests use by theirs', () => {
    const images = Object.values(services).map(({ image }) => image);
    expect(images.filter((image) => image !== 'millrace-consumers' && !/^[\w./-]+:v?\d[\w.-]*$/.test(image))).toEqual([]);
    expect(images).toEqual(expect.arrayContaining([`nats:${NATS_SERVER_VERSION}`, CASSANDRA_IMAGE, OPENSEARCH_IMAGE]));
  });

  it('sets nothing for our processes that they do not read', () => {
    const telemetry = readText('shared/telemetry/settings.ts');
    const read = (name: string): boolean => [...sources, telemetry].some((text) => text.includes(`'${name}'`));
    const names = OURS.flatMap((service) => Object.keys(services[service]?.environment ?? {}));
    // node's own
    expect(names.filter((name) => name !== 'NODE_EXTRA_CA_CERTS' && !read(name))).toEqual([]);
  });

  it('gives them settings that they take', () => {
    for (const service of OURS) {
      const { NATS_CREDS, ...env } = given(service);
      const settings = settingsFrom(env);
      expect(settings).toMatchObject({ natsServers: ['tls://nats:4222'], backendReplies: 'replies.{tenant}.' });
      if (service !== 'migrate') expect(secrets).toHaveProperty(NATS_CREDS?.split('/').at(-1) ?? '');
    }
  });

  it('runs every role once', () => {
    const roles = ['consumers', 'admin'].flatMap((service) => services[service]?.command?.at(-1)?.split(',') ?? []);
    expect(roles.toSorted()).toEqual([...CONSUMERS.map(({ name }) => name), 'query', 'upkeep', 'admin'].toSorted());
  });

  it('mounts and reads what there is, or what an operator makes', () => {
    const mounted = Object.values(services).flatMap((service) => service.volumes ?? []);
    const sourcesOf = mounted.map((volume) => volume.split(':')[0] ?? '');
    const files = [...sourcesOf.filter((source) => source.startsWith('.')), ...Object.values(secrets).map(({ file }) => file)];
    const absent = files.filter((file) => !existsSync(join(ROOT, 'deploy/docker', file)));
    expect([...new Set(absent)].filter((file) => !MADE_BY_OPERATORS.includes(file))).toEqual([]);
    const named = sourcesOf.filter((source) => !source.startsWith('.'));
    expect(new Set(named)).toEqual(new Set(Object.keys(volumes)));
  });

  it('gives them the time to end what they have in hand', () => {
    expect(Number(services['consumers']?.stop_grace_period?.replace('s', '')) * 1_000).toBeGreaterThan(DRAIN_MS_MAX + 5_000);
  });

  it('has Prometheus ask all of them', () => {
    const { scrape_configs: jobs } = parse(readText('deploy/prometheus/prometheus.yml')) as {
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    };
    const targets = jobs
      .find(({ job_name }) => job_name === 'millrace-consumers')
      ?.static_configs.flatMap((each) => each.targets);
    expect(targets).toEqual(['consumers:9464', 'admin:9464']);
  });
});

describe('the keyspace', () => {
  it('is the one that migrate makes for three copies', () => {
    expect(readText('deploy/cassandra/keyspace.cql')).toContain(`\n${createKeyspaceCql('millrace', { datacenter1: 3 })};\n`);
  });
});
