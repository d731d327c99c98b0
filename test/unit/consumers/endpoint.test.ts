import { afterEach, expect, it } from 'vitest';
import { endpointSettingsFrom, serveEndpoint, type EndpointRoute } from '../../../consumers/runtime/endpoint.ts';
import type { LogFields } from '../../../consumers/runtime/log.ts';
import { until } from '../../support/stack.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

interface Line {
  msg: string;
  fields: LogFields;
}

function serve(port: number, routes: Record<string, EndpointRoute>): Line[] {
  const lines: Line[] = [];
  const settings = { host: '127.0.0.1', port };
  stops.push(serveEndpoint(settings, new Map(Object.entries(routes)), (_level, msg, fields = {}) => lines.push({ msg, fields })));
  return lines;
}

async function portOf(lines: readonly Line[]): Promise<number> {
  const served = (): Line | undefined => lines.find(({ msg }) => msg === 'metrics are served');
  await until('it is served', () => served() !== undefined);
  return Number(served()?.fields['port']);
}

const OK: EndpointRoute = () => ({ status: 200, contentType: 'text/x', body: 'hello' });
const FAILS: EndpointRoute = async () => await Promise.reject(new Error('not said outside'));

it('answers its routes to GET and HEAD, and nothing else', async () => {
  const lines = serve(0, { '/metrics': OK, '/bad': FAILS });
  const url = `http://127.0.0.1:${await portOf(lines)}`;
  const found = await fetch(`${url}/metrics?x=1`);
  expect([found.status, found.headers.get('content-type'), await found.text()]).toEqual([200, 'text/x', 'hello']);
  const head = await fetch(`${url}/metrics`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
  expect((await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })).status).toBe(405);
  expect((await fetch(`${url}/other`)).status).toBe(404);
  const bad = await fetch(`${url}/bad`);
  expect([bad.status, await bad.text()]).toEqual([500, 'internal\n']);
});

it('lets a process work whose port is taken, and serves once it is free', async () => {
  const first = serve(0, { '/metrics': OK });
  const port = await portOf(first);
  const second = serve(port, { '/metrics': () => ({ status: 200, contentType: 'text/x', body: 'second' }) });
  await until('it says so', () => second.some(({ msg }) => msg === 'metrics cannot be served yet'));
  await stops.shift()?.();
  expect(await portOf(second)).toBe(port);
  expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toBe('second');
});

it('is stopped also while its port is taken', async () => {
  const port = await portOf(serve(0, { '/metrics': OK }));
  const second = serve(port, { '/metrics': OK });
  await until('it says so', () => second.length > 0);
  await stops.pop()?.();
  expect(second.map(({ msg }) => msg)).toEqual(['metrics cannot be served yet']);
});

it('is heard on this machine alone, on port 9464, unless set otherwise', () => {
  expect(endpointSettingsFrom({ METRICS_PORT: '' })).toEqual({ host: '127.0.0.1', port: 9464 });
  expect(endpointSettingsFrom({ METRICS_PORT: '0', METRICS_HOST: '0.0.0.0' })).toEqual({ host: '0.0.0.0', port: 0 });
  for (const bad of ['-1', '65536', 'x', '1.5']) {
    expect(() => endpointSettingsFrom({ METRICS_PORT: bad })).toThrow('METRICS_PORT');
  }
});
